"""The steps by which a student takes over: each one, and none left out."""

import pytest

from distillation.plan import load_plan
from distillation.steps import NothingToPromote, next_step
from pharmacy.domain.serving import Serving

STUDENT = "openai:ft:gpt-4o-mini-2024-07-18:kampo::c1"


def test_a_student_answers_unused_at_first_then_serves_more_and_more_then_all() -> None:
    plan, now, walked = load_plan("classify"), Serving("teacher"), []

    for _ in range(5):
        step = next_step(plan, now, STUDENT)
        walked.append((step.name, step.after.student_share, step.after.shadow_share))
        now = step.after

    assert walked == [
        ("shadow", 0.0, 0.25), ("canary", 0.05, 0.25), ("canary", 0.2, 0.25), ("canary", 0.5, 0.25), ("full", 1.0, 0.0),
    ]  # fmt: skip
    with pytest.raises(NothingToPromote, match="serves already"):
        next_step(plan, now, STUDENT)


def test_another_student_begins_at_the_beginning_whoever_went_before_it() -> None:
    before = Serving("canary", 0.5, 0.25, STUDENT)

    step = next_step(load_plan("classify"), before, "local:classify-0123456789ab")

    assert (step.name, step.before, step.after.by) == ("shadow", before, "teacher")


def test_a_node_without_a_student_has_nobody_to_promote() -> None:
    with pytest.raises(NothingToPromote, match="expected a student table"):
        next_step(load_plan("classify"), Serving("teacher"), None)
