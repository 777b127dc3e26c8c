"""Which messages are one plain question, when two are one, and what makes another key."""

from dataclasses import replace

import pytest

from pharmacy.domain.repeated.asked import Asked, Scope
from pharmacy.domain.repeated.question import to_answer
from pharmacy.domain.repeated.telling import may_be_one

SCOPE = Scope(
    "generate_product_usage", "openai:gpt-4o", "3f9c1a77b0de", "product_usage", "intake", "[葛根湯.dose] 1包", 1
)


@pytest.mark.parametrize(
    "change",
    [{"node": "x"}, {"model": "x"}, {"prompt_fingerprint": "x"}, {"category": "x"}, {"phase": "x"}, {"facts": "x"},
     {"policy_version": 2}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_whatever_else_a_reply_rests_on_makes_another_key(change: dict[str, str]) -> None:
    asked = Asked(SCOPE, "葛根湯はいつ飲みますか")

    assert replace(asked, scope=replace(SCOPE, **change)).key != asked.key
    assert replace(asked, question="葛根湯はいつ飲めますか").key != asked.key


@pytest.mark.parametrize(
    ("message", "question"),
    [
        pytest.param("こんにちは。葛根湯は いつ飲みますか？", "葛根湯はいつ飲みますか", id="greeting"),
        pytest.param("２ 3回飲みますか", "2 3回飲みますか", id="two-numbers-stay-two"),
        pytest.param("葛根湯はいつ飲みますか。送料はいくらですか", None, id="two-questions"),
        pytest.param("母に飲ませてもいいですか", None, id="somebody"),
        pytest.param("妊娠中に飲めますか", None, id="pregnant"),
        pytest.param("7歳でも飲めますか", None, id="child"),
        pytest.param("昨日から頭が痛いのですが飲めますか", None, id="complaint"),
        pytest.param("それはいつ飲みますか", None, id="leans-on-what-was-said"),
        pytest.param("注文番号12345はいつ届きますか", None, id="an-order"),
        pytest.param("ありがとうございます", None, id="no-question-at-all"),
        pytest.param("大丈夫ですか", None, id="tells-nothing"),
        pytest.param("カードが切れたので変更できますか", None, id="a-reason"),
        pytest.param("定期便を解約したいです", None, id="a-wish"),
        pytest.param("飲み忘れました", None, id="a-report"),
        pytest.param("四君子湯は食前に飲むのですか", "四君子湯は食前に飲むのですか", id="a-name-that-holds-a-child"),
    ],
)
def test_a_message_is_one_plain_question_or_none(message: str, question: str | None) -> None:
    assert to_answer(message, ()) == question


def test_what_was_told_before_keeps_a_plain_question_out() -> None:
    assert to_answer("葛根湯はいつ飲みますか", ["妊娠中です"]) is None


@pytest.mark.parametrize(
    ("left", "right", "one"),
    [
        pytest.param("1日2回飲みますか", "一日二回飲むのですか", True, id="figures-in-kanji"),
        pytest.param("1日2回飲みますか", "2日1回飲みますか", False, id="numbers-that-changed-places"),
        pytest.param("食前に飲みますか", "食前に飲みませんか", False, id="negation"),
        pytest.param("ロキソニンと飲めますか", "バファリンと飲めますか", False, id="other-medicine"),
        pytest.param("薬がとけたらどうしますか", "薬がわれたらどうしますか", False, id="kana-alone"),
    ],
)
def test_what_tells_must_be_the_same_letter_by_letter(left: str, right: str, one: bool) -> None:
    assert may_be_one(left, right) is one
