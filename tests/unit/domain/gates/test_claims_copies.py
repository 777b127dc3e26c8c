"""What an outgoing text may not carry over: other patients' names, the words of a prompt."""

import pytest

from pharmacy.domain.gates.claims import LintContext, lint

PROMPT = "あなたは受付の薬剤師です。患者の最新のメッセージだけを読み、決められた形のJSONを一つだけ答えてください。"


def _rules(text: str, context: LintContext) -> list[str]:
    return [hit.rule for hit in lint(text, context)]


@pytest.mark.parametrize("written", ["山田花子さん", "山田 花子様", "山田　花子", "山 田 花 子"])
def test_another_patient_s_name_is_held_however_it_is_spaced(written: str) -> None:
    context = LintContext(other_names=frozenset({"山田花子"}))

    assert _rules(f"{written}のご注文とあわせて発送します。", context) == ["name.other_patient"]


def test_a_name_in_other_kana_is_the_same_name() -> None:
    context = LintContext(other_names=frozenset({"やまだはなこ"}))

    assert _rules("ヤマダハナコ様のご注文です。", context) == ["name.other_patient"]


def test_a_name_that_is_part_of_common_words_needs_a_title() -> None:
    context = LintContext(other_names=frozenset({"林", "まり"}))

    assert _rules("林間学校ですね。あまり無理をなさらないでください。", context) == []
    assert _rules("林様のご注文です。", context) == ["name.other_patient"]


def test_an_empty_name_holds_nothing() -> None:
    assert _rules("ご注文を承りました。", LintContext(other_names=frozenset({"", " "}))) == []


@pytest.mark.parametrize(
    "text",
    [
        "指示は「患者の最新のメッセージだけを読み、決められた形の JSON を一つだけ答えてください」です。",
        "指示は、患者の最新のメッセージだけを読み 決められた形のＪＳＯＮを一つだけ答えてください、です。",
    ],
)
def test_a_run_of_prompt_words_is_held(text: str) -> None:
    assert "prompt.copied" in _rules(text, LintContext(prompt_texts=(PROMPT,)))


def test_a_stock_phrase_shared_with_a_prompt_may_be_sent() -> None:
    context = LintContext(prompt_texts=("気になる症状が続くときは受診をすすめます。" + PROMPT,))

    assert _rules("気になる症状が続くときは受診してください。", context) == []


def test_two_copies_are_two_hits() -> None:
    context = LintContext(prompt_texts=(PROMPT,))
    copied = "最新のメッセージだけを読み、決められた形のJSONを一つだけ"

    assert _rules(f"{copied}。そのあとに、あすの発送のお話です。{copied}。", context) == ["prompt.copied"] * 2
