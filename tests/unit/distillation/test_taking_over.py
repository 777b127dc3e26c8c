"""From which decision on a student's shadow answers count, and what a watch's state is made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from distillation.plan import load_plan
from distillation.step_checks import live_checks
from distillation.steps import Step
from distillation.taking_over import Progress, begun_seq, held_beside, watched_of
from distillation.watching import after, begun, why
from pharmacy.domain.serving import Serving
from pharmacy.storage.servings import Decided
from pharmacy.storage.shadows import Scored
from pharmacy.storage.watches import WatchCase, Watched

STUDENT, OTHER = "openai:ft:small", "openai:ft:smaller"
SINCE = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
TEACHER = Serving("teacher")
SHADOW = Serving("teacher", shadow_share=0.25, student=STUDENT)
CANARY = Serving("canary", 0.05, 0.25, STUDENT)


def _history(*oldest_first: Serving) -> list[Decided]:
    decided = [Decided(serving, "sato", "", SINCE, seq) for seq, serving in enumerate(oldest_first, 1)]
    return [*reversed(decided)]


@pytest.mark.parametrize(
    ("oldest_first", "seq"),
    [
        pytest.param([SHADOW], 1, id="its-first"),
        pytest.param([SHADOW, CANARY], 1, id="a-step-further"),
        pytest.param([SHADOW, TEACHER, SHADOW], 3, id="begun-again-after-a-roll-back"),
        pytest.param([Serving("teacher", shadow_share=0.25, student=OTHER), SHADOW], 2, id="after-another-student"),
        pytest.param([], 0, id="by-the-files-word"),
    ],
)
def test_a_students_shadow_begins_where_nobody_else_has_come_between(oldest_first: Sequence[Serving], seq: int) -> None:
    assert begun_seq(_history(*oldest_first), STUDENT) == seq


def test_whoever_serves_is_watched_since_the_decision_that_let_them() -> None:
    (decided,) = _history(CANARY)

    assert watched_of("classify", CANARY, decided, STUDENT) == Watched("classify", 1, STUDENT, SINCE)
    assert watched_of("classify", SHADOW, decided, STUDENT) is None
    assert watched_of("classify", Serving("student"), None, STUDENT) is not None


def _cases(*acceptances: float) -> list[WatchCase]:
    return [WatchCase(f"c-{number}", uuid4(), acceptance) for number, acceptance in enumerate(acceptances)]


def test_a_watch_that_is_looked_at_often_comes_to_what_one_look_comes_to() -> None:
    cases, state = _cases(1, 0, 1, 1, 0, 0, 1), begun(load_plan("classify").step_back)

    once, often = after(state, cases), state
    for case in cases:
        often = after(often, [case])

    assert once == often
    assert (once.cases, once.accepted, once.has_fallen) == (7, 4, False)


def test_why_a_teacher_serves_again_has_the_figures() -> None:
    state = after(begun(load_plan("classify").step_back), _cases(*[0.0] * 8))

    assert state.has_fallen
    assert why(Watched("classify", 3, STUDENT, SINCE), state) == (
        "acceptance of openai:ft:small has fallen below 80%: 0 of 8 conversations since 2026-11-23T06:30:00+00:00, "
        "alpha 0.01"
    )


def _scored(metric: str, share: float, beside: float | None = None, cases: int = 500) -> list[Scored]:
    right = round(cases * share)
    return [
        Scored(
            f"c-{number}", {metric: float(number < right)},
            {} if beside is None else {metric: float(number < round(cases * beside))},
        )
        for number in range(cases)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("node", "rows", "least", "is_worse"),
    [
        pytest.param("classify", _scored("exact_agreement", 0.97), 0.8, False, id="agrees"),
        pytest.param("classify", _scored("exact_agreement", 0.79), 0.8, False, id="a-little-below-by-chance"),
        pytest.param("classify", _scored("exact_agreement", 0.0), 0.8, True, id="never-agrees"),
        pytest.param("generate_product_usage", _scored("pass_rate", 0.88, 0.9), 0.85, False, id="within-the-margin"),
        pytest.param("generate_product_usage", _scored("pass_rate", 0.6, 0.9), 0.85, True, id="passes-less-often"),
        pytest.param("classify", [], None, False, id="nothing-yet"),
    ],
)
def test_a_student_whose_unused_answers_are_shown_to_be_worse_is_known(
    node: str, rows: list[Scored], least: float | None, is_worse: bool
) -> None:
    found = held_beside(node, rows, load_plan(node))

    assert found == (pytest.approx(least) if least is not None else None, is_worse)


def test_a_student_that_is_shown_to_be_worse_unused_serves_nobody() -> None:
    plan, step = load_plan("classify"), Step("canary", SHADOW, CANARY)
    seen = Progress("classify", SHADOW, SINCE, "sato", shadow_cases=500, shadow_least=0.8, is_shown_worse=True)

    checks = {each.name: each.passes for each in live_checks(plan, step, seen)}

    assert checks == {"shadow_cases": True, "shadow": False}
