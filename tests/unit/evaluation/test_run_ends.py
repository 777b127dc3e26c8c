"""Where a run should end, by the pharmacist's decision, and how two models' runs compare."""

import pytest

from evaluation.cases import Case
from evaluation.run_ends import WholeRun, difference_of, ends_right
from nodes.load import load_flow
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.storage.datasets import DatasetRow

FLOW = load_flow()


def case(label: str | None = None, accepted: bool | None = None, place: int = 0) -> Case:
    row = DatasetRow(place, "held_out", "p", f"c{place // 2}", 1, {}, "")
    return Case(
        row, f"r{place}", "follow_up", "taking", {}, label, accepted, by_pharmacist=True, said=None, target=None
    )


def ended(kind: OutcomeKind, category: str = "follow_up", phase: str = "taking") -> Outcome:
    return Outcome(kind, category, phase)


SUGGESTED, HANDED_OVER = OutcomeKind.SUGGESTION, OutcomeKind.HANDOVER


@pytest.mark.parametrize(
    ("node", "of", "outcome", "right"),
    [
        pytest.param("classify", case("follow_up"), ended(SUGGESTED), True, id="right-category"),
        pytest.param("classify", case("follow_up"), ended(SUGGESTED, "order_delivery"), False, id="wrong-category"),
        pytest.param("classify", case("follow_up"), ended(HANDED_OVER), False, id="needlessly-handed-over"),
        pytest.param("classify", case("pharmacist_only"), ended(HANDED_OVER), True, id="a-persons-matter"),
        pytest.param("classify", case("pharmacist_only"), ended(SUGGESTED), False, id="a-machine-answers-it"),
        pytest.param("switch_phase", case("taking"), ended(SUGGESTED), True, id="right-phase"),
        pytest.param("switch_phase", case("intake"), ended(SUGGESTED), False, id="wrong-phase"),
        pytest.param("generate_follow_up", case(), ended(SUGGESTED), True, id="a-draft-clears-the-bars"),
        pytest.param("generate_follow_up", case(), ended(HANDED_OVER), False, id="no-draft-does"),
        pytest.param("judge", case(accepted=True), ended(SUGGESTED), True, id="accepted-and-shown"),
        pytest.param("judge", case(accepted=False), ended(SUGGESTED), False, id="refused-and-shown"),
        pytest.param("judge", case(accepted=False), ended(HANDED_OVER), True, id="refused-and-stopped"),
    ],
)
def test_a_run_ends_right_where_the_pharmacists_decision_says(
    node: str, of: Case, outcome: Outcome, right: bool
) -> None:
    assert ends_right(node, of, outcome, FLOW) is right


def test_only_cases_that_went_both_ways_are_compared() -> None:
    cases = [case("follow_up", place=place) for place in range(6)]
    runs = {place: WholeRun(1.0, "suggestion", "follow_up", 0.0, 0.1) for place in range(6)}
    fewer = {place: WholeRun(float(place > 1), "suggestion", "follow_up", 0.0, 0.1) for place in range(5)}

    found = difference_of(cases, runs, fewer)

    assert found is not None
    assert (found.rows, found.conversations, round(found.mean, 2)) == (5, 3, -0.4)
    assert difference_of(cases, {}, fewer) is None
