"""Form of an outgoing text: length, emptiness, hidden characters, and where in the text a hit lies."""

import time

import pytest

from pharmacy.domain.gates.claims import lint
from pharmacy.domain.gates.claims_view import letters, plain

CALM = "ご注文の品は、あす発送いたします。"
MOST_SECONDS = 2.0
"""Generous: a loaded machine measures some tenths of a second; what is tested is that nothing explodes."""


def _rules(text: str) -> list[str]:
    return [hit.rule for hit in lint(text)]


@pytest.mark.parametrize("text", ["", " \n\u3000", "。。。", "\u200b", "👍"], ids=repr)
def test_a_text_without_words_is_empty(text: str) -> None:
    assert "form.empty" in _rules(text)


def test_five_thousand_units_may_be_sent_and_one_more_may_not() -> None:
    assert "form.long" not in _rules("あ" * 5_000)
    assert _rules("あ" * 5_001) == ["form.long"]


def test_a_family_of_emoji_counts_in_the_channel_s_units() -> None:
    family = "👨\u200d👩\u200d👧"  # 8 UTF-16 units

    assert "form.long" not in _rules("あ" * 4_992 + family)
    assert _rules("あ" * 4_993 + family) == ["form.long"]


@pytest.mark.parametrize(
    "char",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\u00ad",
        "\ufeff",
        "\U000e0041",
        "\ufe01",
        "\u0007",
        "\x1b",
        "\ud800",
        "\u3164",
        "\ue000",
    ],
    ids=ascii,
)
def test_a_character_nobody_sees_is_held_and_shown_by_its_place(char: str) -> None:
    hits = lint(f"ご注文{char}の品は、あす発送いたします。")

    assert [(hit.rule, hit.span) for hit in hits] == [("form.hidden", (3, 4))]


@pytest.mark.parametrize("emoji", ["❤️", "👨‍👩‍👧", "👍🏽", "1️⃣", "☺️"])
def test_what_an_emoji_is_made_of_is_not_hidden(emoji: str) -> None:
    assert _rules(CALM + emoji) == []


def test_a_joiner_between_letters_is_hidden() -> None:
    assert "form.hidden" in _rules("ご注\u200d文の品です。")


def test_a_hit_s_place_is_in_the_text_as_written() -> None:
    hits = lint("葛根湯は ﾋﾞﾀｯと　必 ず  治 り ま す 。")

    assert {hit.matched for hit in hits} >= {"必 ず"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("ﾌｸｻﾖｳ ｾﾞﾛ", "ふくさようぜろ", id="half-width-kana"),
        pytest.param("か\u3099ん", "がん", id="decomposed-sound-mark"),
        pytest.param("１００％", "100%", id="full-width"),
        pytest.param("ぜっっったい", "ぜったい", id="drawn-out"),
        pytest.param("必\nず", "必ず", id="broken-word"),
        pytest.param("届きます\n必ず", "届きます\n必ず", id="line-that-ends-a-sentence"),
        pytest.param("一つ。\n\n・二つ", "一つ。二つ", id="list"),
        pytest.param("必、ず、治、る、よ", "必ず治るよ", id="spelt-out"),
        pytest.param("1.5g、2〜3回", "1.5g、2~3回", id="numbers-keep-their-signs"),
    ],
)
def test_letters_are_read_without_their_disguise(written: str, read: str) -> None:
    assert letters(written).text == read


def test_a_view_knows_where_each_letter_came_from() -> None:
    view = letters("必 ず")

    assert view.original(0, 2) == (0, 3)
    assert plain("ｶﾞ").spans == ((0, 2),)


@pytest.mark.parametrize(
    "piece",
    ["必ず", "副作用", "血圧の薬を", "がんが", "甘草は", "0", "a.", "とは言え", "、。", "@", "か\u3099", "[", "1日9回"],
    ids=repr,
)
def test_the_longest_text_is_read_in_bounded_time(piece: str) -> None:
    text = (piece * 5_000)[:5_000]
    lint(text)

    began = time.perf_counter()
    lint(text)

    assert time.perf_counter() - began < MOST_SECONDS
