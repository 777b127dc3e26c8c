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


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        pytest.param("limit_per_patient_hour", [(None, 3, 3)],
                     "この患者への自動送信の1時間の上限に達しました（上限 3通、すでに 3通）。", id="a-patients-hour"),
        pytest.param("limit_per_day", [(None, 1200, 1000)],
                     "自動送信の1日の上限(薬局全体)に達しました（上限 1,000通、すでに 1,200通）。", id="a-day"),
        pytest.param("too_long", [(None, 412, 400)],
                     "自動送信には長すぎます（上限 400字、返信案 412字）。", id="length"),
        pytest.param("mark_below_automatic", [("safety", 4, 5), ("tone", None, 4)],
                     "自動送信の基準に届かない評価があります（安全性 4/5 < 自動送信の基準 5 / "
                     "言葉づかい 評価なし、自動送信の基準 4）。", id="marks"),
        pytest.param("policy_changed", [(None, 4, 3)],
                     "作成後に自動送信の設定が変わりました（第3版 → 第4版）。", id="another-policy"),
        pytest.param("not_allow_listed", [],
                     "この分類と段階は自動送信の対象外です（注文・配送 · 問診）。", id="what-is-not-sent"),
        pytest.param("cancelled", [], "自動送信が取り消されました。", id="nothing-to-measure"),
        pytest.param("limit_per_day", [], "自動送信の1日の上限(薬局全体)に達しました。", id="an-old-record"),
    ],
)  # fmt: skip
def test_what_holds_a_good_draft_names_the_values(
    because: Because, code: str, values: list[tuple[str | None, int | None, int]], said: str
) -> None:
    reached = [dict(zip(("code", "criterion", "reached", "limit"), (code, *each), strict=True)) for each in values]
    suggestion = {"held_for": [code], "reached": reached, "category": "order_delivery", "phase": "intake"}

    assert because.draft(suggestion) == [said]


def test_the_values_are_named_in_english_too() -> None:
    reached = [{"code": "limit_per_patient_day", "criterion": None, "reached": 8, "limit": 8}]
    suggestion = {"held_for": ["limit_per_patient_day"], "reached": reached, "category": None, "phase": "intake"}

    (said,) = Because(language("en"), FLOW).draft(suggestion)

    assert said == "The limit of automatic replies to this patient in a day is reached (limit 8, reached 8)."
