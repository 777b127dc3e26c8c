"""Doses in outgoing texts, held against the label."""

import pytest

from pharmacy.domain.gates.claims import LintContext, lint

LABELS = {
    "葛根湯": "一般用 葛根湯エキス(1/2量)顆粒: 成人(15才以上) 1回1包、1日3回",
    "半夏厚朴湯": "一般用: 成人(15歳以上) 1回1包(1.875g)、1日2回",
    "補中益気湯": "一般用 エキス錠: 成人(15歳以上) 1回4錠、1日3回",
    "六君子湯": "医療用: 通常成人1日7.5gを2〜3回に分割(年齢、体重、症状により増減)",
    "大黄甘草湯": "一般用 エキス錠: 成人 1日1回、軽い便秘2〜6錠、頑固な便秘4〜8錠",
}


def _held(text: str, labels: dict[str, str] = LABELS) -> bool:
    return any(hit.rule == "dose.above_label" for hit in lint(text, LintContext(label_doses=labels)))


@pytest.mark.parametrize(
    "text",
    [
        "葛根湯は1回1包、1日3回です。",
        "葛根湯は一日三回、一包ずつです。",
        "半夏厚朴湯は1日2回です。",
        "補中益気湯は1回4錠、1日3回です。",
        "補中益気湯は1日12錠です。",
        "六君子湯は1日7.5gを3回に分けます。",
        "大黄甘草湯は1日1回4錠です。",
        "葛根湯を1日6包飲んでしまったのですね。",
        "葛根湯を1日4回飲まないでください。",
    ],
)
def test_what_the_label_allows_may_be_sent(text: str) -> None:
    assert not _held(text)


@pytest.mark.parametrize(
    "text",
    [
        "葛根湯は1日4回です。",
        "葛根湯は１回２包です。",
        "葛根湯は一回に二袋です。",
        "葛根湯は朝2包お飲みください。",
        "半夏厚朴湯は1日3回です。",
        "半夏厚朴湯は1包ずつ1日3回です。",
        "補中益気湯は1回5錠です。",
        "補中益気湯は1日15錠です。",
        "六君子湯は1日10gです。",
        "大黄甘草湯は1日1回10粒です。",
        "葛根湯のお話ですね。1日に4包が目安です。",
    ],
)
def test_more_than_the_label_allows_is_held(text: str) -> None:
    assert _held(text)


def test_without_a_name_the_most_generous_label_holds() -> None:
    assert not _held("1日3回お飲みください。")
    assert _held("1日4回お飲みください。")


def test_without_any_label_nothing_above_three_times_a_day_may_be_sent() -> None:
    assert not _held("1回1包を1日3回お飲みください。", {})
    assert _held("1日4回お飲みください。", {})
    assert _held("1回2包お飲みください。", {})
