"""Why a person has to look is told with what the record knows: rule or node, value and limit."""

from dataclasses import replace
from typing import Any

import pytest

from nodes.load import load_flow
from server.console.held_because import Because
from server.console.languages import language

FLOW = load_flow()
SAID = "授乳中なのですが、漢方を飲んでも大丈夫でしょうか"
HIT = {"rule": "pregnancy_lactation.asks", "tier": "U", "span": [9, 24], "matched": "漢方お飲んでも大丈夫でしようか"}
TRIAGE = {"code": "triage", "tier": "U", "detail": "", "version": 1, "hits": [HIT]}
OPEN = {"code": "open_case", "tier": "U", "detail": "", "version": 2, "hits": []}


@pytest.fixture
def because() -> Because:
    return Because(language("ja"), FLOW, (SAID,))


def test_a_rule_is_named_with_the_patients_own_words(because: Because) -> None:
    assert because.case([TRIAGE]) == ["至急 · ルール: 妊娠・授乳の可能性 「漢方を飲んでも大丈夫でしょうか」"]


def test_words_that_stand_in_no_message_at_hand_are_not_quoted(because: Because) -> None:
    assert replace(because, heard=("こんにちは",)).case([TRIAGE]) == ["至急 · ルール: 妊娠・授乳の可能性"]


def test_that_a_case_was_open_never_hides_what_it_is_about(because: Because) -> None:
    assert because.case([TRIAGE, OPEN]) == because.case([TRIAGE])
    assert because.case([TRIAGE, OPEN | {"hits": [HIT]}]) == because.case([TRIAGE])
    assert because.case([OPEN]) == ["至急 · 未完了の件があります"]


def test_drafts_that_fell_short_name_each_mark_and_its_bar(because: Because) -> None:
    marks = {"safety": {"mark": 3, "bar": 4, "reason": "x"}, "accuracy": {"mark": 4, "bar": 4, "reason": "y"}}
    draft = {"text": "z", "judgement": marks, "blocked": []}
    reason = {"code": "drafts_used_up", "detail": "", "hits": []}

    (said,) = because.case([reason], [draft])

    assert said == f"返信案が基準に届きませんでした: {FLOW.criteria['safety'].label} 3/5 < 基準 4"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        pytest.param({"code": "pharmacist_only", "node": "classify", "said": "分類の確信度 0.58 < 0.70"},
                     "薬剤師が答える内容です: classify: 分類の確信度 0.58 < 0.70", id="a-student-that-is-not-sure"),
        pytest.param({"code": "model_unavailable", "node": "judge"}, "モデルに接続できませんでした: judge", id="fault"),
        pytest.param({"code": "too_old"}, "届くまでに時間がかかりすぎました", id="nothing-more-is-known"),
    ],
)  # fmt: skip
def test_what_a_node_said_is_told(because: Because, reason: dict[str, Any], said: str) -> None:
    assert because.case([{"detail": "", "hits": [], **reason}]) == [said]
