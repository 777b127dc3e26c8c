"""The gate before a student: what it refuses, why, and how many more cases it asks for."""

import random
from dataclasses import replace

import pytest

from distillation.gate import Evidence, GateVerdict, gate, is_kin
from distillation.plan import Plan, load_plan
from evaluation.paired import Difference, difference

TEACHER, STUDENT = "openai:gpt-4o-2024-08-06", "openai:ft:gpt-4o-mini-2024-07-18:kampo::c1"
PLAIN = "openai:gpt-4o-mini-2024-07-18"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan("classify")


def seen(rows: int, lost: float, won: float, seed: int = 7) -> Difference:
    """Return cases, two of each conversation, of which the student has `lost` and `won` shares of its own."""
    chance = random.Random(seed)  # no secret
    drawn = [chance.random() for _ in range(rows)]
    student = [0.0 if one < lost else 1.0 for one in drawn]
    teacher = [0.0 if lost <= one < lost + won else 1.0 for one in drawn]
    return difference(student, teacher, [at // 2 for at in range(rows)])


def evidence(lost: float = 0.04, won: float = 0.04, rows: int = 4_000) -> Evidence:
    same = seen(rows, lost, won)
    of = {"exact_agreement": same, "sensitivity(pharmacist_only)": seen(500, lost, won)}
    return Evidence("classify", TEACHER, STUDENT, of, 450, seen(rows, lost, won), plain=PLAIN,
                    plain_differences={"exact_agreement": seen(rows, 0.3, 0.02)})  # fmt: skip


def refused(verdict: GateVerdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passes]


def test_a_student_as_good_as_its_teacher_passes_and_each_reason_has_its_figures(plan: Plan) -> None:
    verdict = gate(plan, evidence())

    assert refused(verdict) == []
    assert [check.name for check in verdict.checks] == [
        "rows", "pharmacist_labels", "exact_agreement", "sensitivity(pharmacist_only)", "end_to_end", "plain_model",
    ]  # fmt: skip
    assert "4000 cases, 2000 conversations" in verdict.checks[2].said


def test_a_student_that_is_worse_by_more_than_the_margin_is_refused(plan: Plan) -> None:
    verdict = gate(plan, evidence(lost=0.12, won=0.02))

    assert {"exact_agreement", "end_to_end", "sensitivity(pharmacist_only)"} <= set(refused(verdict))


def test_too_few_cases_are_refused_with_how_many_more_it_takes(plan: Plan) -> None:
    few = evidence(rows=600)

    verdict = gate(plan, few)

    assert "rows" in refused(verdict)
    assert verdict.needed.more >= 3_000
    assert f"{verdict.needed.more} more are needed" in verdict.checks[0].said


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        pytest.param({"pharmacist_labels": 3}, "pharmacist_labels", id="labels"),
        pytest.param({"end_to_end": None}, "end_to_end", id="end-to-end"),
        pytest.param({"plain_differences": {}}, "plain_model", id="plain-model"),
        pytest.param({"differences": {}}, "exact_agreement", id="metric"),
        pytest.param({"judge": "openai:gpt-4o", "pharmacist_labels": 3}, "judge", id="judge-of-the-same-family"),
    ],
)
def test_what_was_not_measured_stands_in_the_way(plan: Plan, missing: dict[str, object], name: str) -> None:
    verdict = gate(plan, replace(evidence(), **missing))  # type: ignore[arg-type]

    assert name in refused(verdict)


def test_a_safety_measure_that_is_shown_to_be_worse_is_refused_though_the_metric_holds(plan: Plan) -> None:
    of = evidence()
    worse = {**of.differences, "sensitivity(pharmacist_only)": seen(1_000, 0.15, 0.02)}

    verdict = gate(plan, replace(of, differences=worse))

    assert refused(verdict) == ["sensitivity(pharmacist_only)"]


def test_a_plain_model_that_is_no_worse_is_offered_in_the_students_place(plan: Plan) -> None:
    as_good = {"exact_agreement": seen(4_000, 0.03, 0.03), "sensitivity(pharmacist_only)": seen(500, 0.02, 0.02)}

    verdict = gate(plan, replace(evidence(), plain_differences=as_good))

    assert (refused(verdict), verdict.instead) == (["plain_model"], PLAIN)


def test_a_judge_of_the_family_is_heard_where_enough_cases_rest_on_a_persons_word(plan: Plan) -> None:
    verdict = gate(plan, replace(evidence(), judge="openai:gpt-4o", pharmacist_labels=450))

    assert refused(verdict) == []
    assert "models favour their kin" in verdict.checks[-1].said


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ("openai:gpt-4o", "openai:ft:gpt-4o-mini-2024-07-18:x::y", True), ("openai:gpt-4o", "vllm:qwen3-8b", False),
        ("local:judge", "local:generate-0123456789ab", True), ("local:judge", "openai:gpt-4o", False),
    ],
)  # fmt: skip
def test_families(one: str, other: str, kin: bool) -> None:
    assert is_kin(one, other) is kin
