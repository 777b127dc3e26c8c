"""What counts for a serving student, what against it, and what says nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from distillation.acceptance import Acceptance
from distillation.datasets.rules import read_rules
from nodes.load import load_flow
from pharmacy.storage.recorded_calls import RecordedCall

FLOW, RULES = load_flow(), read_rules()
WRITER = "generate_symptom_consultation"
STUDENT, TEACHER = "openai:ft:small", "openai:gpt-4o-2024-08-06"
REPLY = json.dumps({"missing_facts": [], "reply": "ご連絡ありがとうございます。"})
NAMED = json.dumps({"safety": "clear", "category": "symptom_consultation", "reason": "体調の相談"})
VERDICT = json.dumps({name: {"reason": "良い", "mark": 5} for name in FLOW.criteria})
TURNED_DOWN = ({}, REPLY, STUDENT)
"""The node's first answer in a run, where another followed."""

CALL = RecordedCall(
    seq=1, run_id=uuid4(), conversation_id="c-1", patient_id="p-1", patient_name=None, consents=False, version=1,
    started_at=datetime(2026, 11, 23, tzinfo=UTC), prompt_fingerprint="3f9c1a77b0de", blanks={}, output=REPLY,
    model=STUDENT, first=None, decided=None, decision={}, category="symptom_consultation", phase="intake",
    draft="ご連絡ありがとうございます。", sent=None, finally_sent=None, gated=False, category_corrected=None,
    phase_corrected=None, case_code=None, case_resolved_by=None,
)  # fmt: skip


def _of(node: str, measure: str = "acceptance", **changes: Any) -> float | None:
    return Acceptance(node, FLOW, RULES).of(replace(CALL, **changes), measure)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"decided": "approved"}, 1.0, id="sent-as-it-was"),
        pytest.param({"decided": "edited", "decision": {"cause": "style"}}, 1.0, id="edited-for-style"),
        pytest.param({"decided": "edited", "decision": {"cause": "tone"}}, 0.0, id="edited-for-its-tone"),
        pytest.param({"decided": "edited", "decision": {"cause": "unsafe"}}, 0.0, id="edited-as-unsafe"),
        pytest.param({"decided": "edited", "decision": {"cause": None}}, 0.0, id="edited-and-nobody-said-why"),
        pytest.param({"decided": "edited", "decision": {"category": "follow_up"}}, None, id="of-another-category"),
        pytest.param({"decided": "rejected", "decision": {"code": "other"}}, 0.0, id="refused"),
        pytest.param({"decided": "rejected", "decision": {"code": "handled"}}, None, id="dealt-with-elsewhere"),
        pytest.param({"decided": "regenerated"}, 0.0, id="written-again"),
        pytest.param({"decided": "open"}, None, id="not-decided-yet"),
        pytest.param({"decided": "superseded"}, None, id="overtaken"),
        pytest.param({"decided": "automatic"}, None, id="gone-out-by-itself"),
        pytest.param({"decided": "approved", "first": TURNED_DOWN, "model": TEACHER}, 0.0, id="the-teacher-wrote-it"),
        pytest.param({"decided": "open", "first": TURNED_DOWN, "model": TEACHER}, None, id="the-teachers-waits"),
        pytest.param({"case_code": "drafts_used_up"}, 0.0, id="no-draft-cleared-the-bars"),
        pytest.param({"case_code": "fact_unknown"}, None, id="a-fact-is-missing"),
    ],
)
def test_a_text_is_accepted_when_it_went_out_as_it_was_or_with_a_better_style(
    changes: dict[str, Any], said: float | None
) -> None:
    assert _of(WRITER, **changes) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"decided": "approved"}, 1.0, id="the-draft-went-out"),
        pytest.param({"decided": "edited", "decision": {"cause": "unsafe"}}, 1.0, id="edited-within-its-category"),
        pytest.param({"decided": "edited", "decision": {"category": "follow_up"}}, 0.0, id="corrected-in-the-edit"),
        pytest.param({"decided": "open", "category_corrected": "follow_up"}, 0.0, id="corrected-before-any-decision"),
        pytest.param({"decided": "open", "category_corrected": "symptom_consultation"}, 1.0, id="confirmed-by-hand"),
        pytest.param({"decided": "rejected", "decision": {"code": "medically_wrong"}}, None, id="refused-for-its-text"),
        pytest.param(
            {"decided": "regenerated", "category_corrected": "follow_up"}, 0.0, id="corrected-and-written-again"
        ),
        pytest.param({"output": "{"}, None, id="unreadable-today"),
    ],
)
def test_a_category_is_accepted_when_it_stood(changes: dict[str, Any], said: float | None) -> None:
    assert _of("classify", **{"output": NAMED, **changes}) == said


def test_a_case_left_to_people_and_closed_with_its_category_let_stand_is_accepted() -> None:
    left = json.dumps({"safety": "clear", "category": "pharmacist_only", "reason": "専任"})
    closed = {"case_code": "pharmacist_only", "case_resolved_by": "sato", "category": "pharmacist_only"}

    assert _of("classify", output=left, **closed) == 1.0
    assert _of("classify", output=left, **closed, category_corrected="follow_up") == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"decided": "approved"}, 1.0, id="a-person-sent-what-it-let-pass"),
        pytest.param({"decided": "rejected", "decision": {"code": "medically_wrong"}}, 0.0, id="a-person-refused-it"),
        pytest.param({"decided": "approved", "first": ({}, VERDICT, STUDENT)}, 1.0, id="the-second-draft-it-marked"),
        pytest.param({"case_code": "drafts_used_up"}, None, id="it-let-none-pass"),
    ],
)
def test_a_judge_is_accepted_when_the_draft_that_it_let_pass_is(changes: dict[str, Any], said: float | None) -> None:
    assert _of("judge", output=VERDICT, **changes) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"decided": "open"}, 1.0, id="the-first-draft-cleared-the-bars"),
        pytest.param({"decided": "rejected", "decision": {"code": "other"}}, 1.0, id="whatever-a-person-says"),
        pytest.param({"decided": "open", "first": TURNED_DOWN, "model": TEACHER}, 0.0, id="a-second-was-needed"),
        pytest.param({"case_code": "drafts_used_up"}, 0.0, id="none-did"),
        pytest.param({"case_code": "judge_unavailable"}, None, id="nobody-judged"),
    ],
)
def test_a_draft_passes_when_the_first_one_clears_the_bars(changes: dict[str, Any], said: float | None) -> None:
    assert _of(WRITER, "judge_pass", **changes) == said


def test_whose_answer_it_was_is_the_first_ones_in_the_run() -> None:
    acceptance = Acceptance(WRITER, FLOW, RULES)

    assert acceptance.first_by(CALL) == STUDENT
    assert acceptance.first_by(replace(CALL, model=TEACHER, first=TURNED_DOWN)) == STUDENT
    assert acceptance.first_by(replace(CALL, model=TEACHER)) == TEACHER
