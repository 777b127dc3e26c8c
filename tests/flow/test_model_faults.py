"""Whatever a model does, the message ends with a person, and says why."""

import pytest

from pharmacy.domain import errors
from pharmacy.domain.errors import BudgetReached, FlowError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import OutcomeKind
from tests.fakes.scripted_run_models import Scripted, ScriptedRunModels
from tests.flow.setting import GOOD, QUESTION, classified, marked, models, request, run, written

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FlowError)]
ASKING = ["classify", "switch_phase", "generate_order_delivery"]


def failing(node: str, error: Scripted) -> ScriptedRunModels:
    """Return models of which `node` alone fails."""
    return models(**{"drafts": [GOOD], "marks": [marked()], node: [error]})  # type: ignore[arg-type]


@pytest.mark.parametrize("error", ERRORS, ids=lambda kind: kind.code)
@pytest.mark.parametrize("node", ASKING)
async def test_a_node_that_fails_hands_over_under_the_errors_code(node: str, error: type[FlowError]) -> None:
    outcome = await run(request(QUESTION), failing(node, error("down")), auto=[("order_delivery", "intake")])

    assert outcome.kind is OutcomeKind.HANDOVER
    assert outcome.reason is not None
    assert outcome.reason.code == error.code
    assert outcome.reason.detail == f"{node}: down"
    assert outcome.steps[-1].node == "hand_over"


@pytest.mark.parametrize("error", ERRORS, ids=lambda kind: kind.code)
async def test_a_judge_that_fails_keeps_the_draft_unjudged(error: type[FlowError]) -> None:
    outcome = await run(request(QUESTION), failing("judge", error("down")), auto=[("order_delivery", "intake")])

    assert outcome.kind is OutcomeKind.HANDOVER
    assert outcome.reason is not None
    # The judge is well: it may not be asked before the next day.
    assert outcome.reason.code == ("budget_reached" if error is BudgetReached else "judge_unavailable")
    assert [(draft.text, draft.judgement) for draft in outcome.drafts] == [(GOOD, None)]
    assert outcome.reply is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="empty"),
        pytest.param("<html>502</html>", id="html"),
        pytest.param("null", id="null"),
        pytest.param(classified("refund"), id="a-category-nobody-defined"),
        pytest.param(classified("None"), id="none"),
        pytest.param(classified("order_delivery, follow_up"), id="two-categories"),
        pytest.param({**classified("order_delivery"), "also": "follow_up"}, id="a-field-too-many"),
        pytest.param({**classified("order_delivery"), "category": ["order_delivery"]}, id="a-list"),
        pytest.param("あ" * 10_000, id="ten-thousand-letters"),
    ],
)
async def test_a_classification_that_cannot_be_read_is_a_handover(answer: Scripted) -> None:
    outcome = await run(request(QUESTION), failing("classify", answer))

    assert outcome.reason is not None
    assert outcome.reason.code == "reply_unreadable"
    assert outcome.category is None


async def test_a_phase_that_may_not_follow_is_a_handover() -> None:
    outcome = await run(request(QUESTION), models(phase="taking", drafts=[GOOD], marks=[marked()]))

    assert outcome.reason is not None
    assert outcome.reason.code == "reply_unreadable"
    assert outcome.phase == "intake"


async def test_an_emergency_that_the_classifier_saw_is_kept_when_the_other_node_fails() -> None:
    asked = models(safety="emergency", switch_phase=[errors.ModelUnavailable("down")])

    outcome = await run(request(QUESTION), asked)

    assert outcome.reason is not None
    assert outcome.reason.tier is Tier.E


async def test_a_generator_that_fails_on_its_second_draft_leaves_the_first_in_the_trail() -> None:
    asked = models(drafts=[GOOD, errors.DeadlinePassed("60 s")], marks=[marked(1)])

    outcome = await run(request(QUESTION), asked)

    assert outcome.reason is not None
    assert outcome.reason.code == "deadline_passed"
    assert [draft.text for draft in outcome.drafts] == [GOOD]


async def test_a_fact_that_nobody_has_given_is_a_handover() -> None:
    asked = models(drafts=[written("", "患者.orders")])

    outcome = await run(request(QUESTION), asked)

    assert outcome.reason is not None
    assert outcome.reason.code == "fact_unknown"


async def test_an_error_that_nobody_foresaw_rises() -> None:
    with pytest.raises(ZeroDivisionError):
        await run(request(QUESTION), failing("judge", ZeroDivisionError()))


async def test_no_step_of_the_trail_repeats_a_patients_words() -> None:
    outcome = await run(request(QUESTION), models(drafts=[GOOD], marks=[marked()]))

    assert not any(QUESTION in step.says for step in outcome.steps)
