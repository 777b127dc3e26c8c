"""Pseudonyms stay the same within a conversation, known names are found in every writing, and errors withhold."""

import pytest

from pharmacy.redaction.plain import PLAIN, Plain
from pharmacy.redaction.redact import WITHHELD, Redactor


def test_a_person_has_one_pseudonym_through_the_conversation() -> None:
    redaction = Redactor().conversation()

    first = redaction.text("田中花子と申します。夫は田中 健一です。")
    second = redaction.text("田中花子です。健一の分もお願いします。")

    assert first == "〔氏名1〕と申します。夫は〔氏名2〕です。"
    assert second == "〔氏名1〕です。〔氏名2〕の分もお願いします。"


def test_another_conversation_counts_anew() -> None:
    redactor = Redactor()
    redactor.conversation().text("佐藤健一と申します。")

    assert redactor.conversation().text("鈴木一郎と申します。") == "〔氏名1〕と申します。"


def test_the_same_number_has_one_pseudonym_however_it_is_written() -> None:
    redaction = Redactor().conversation()

    text = redaction.text("090-1234-5678です。０９０１２３４５６７８です。080-1234-5678です。")

    assert text == "〔電話1〕です。〔電話1〕です。〔電話2〕です。"


@pytest.mark.parametrize(
    "written",
    ["花房ゆり江", "花房 ゆり江", "花房　ゆり江", "花房・ゆり江", "ゆり江", "花房", "ユリ江", "ﾕﾘ江"],
)
def test_a_name_that_the_store_knows_is_found_in_every_writing(written: str) -> None:
    redaction = Redactor().conversation(["花房 ゆり江"])

    assert redaction.text(f"{written}は元気") == "〔氏名1〕は元気"


@pytest.mark.parametrize("written", ["Mei Chang", "CHANG MEI", "mei chang", "ＭＥＩ　ＣＨＡＮＧ", "MeiChang"])
def test_a_known_name_in_latin_letters_is_found_in_either_order(written: str) -> None:
    assert Redactor().conversation(["Mei Chang"]).text(f"{written}!") == "〔氏名1〕!"


def test_a_known_name_is_not_found_inside_a_longer_word() -> None:
    assert Redactor().conversation(["Mei Chang"]).text("changes of meiosis") == "changes of meiosis"


def test_values_of_any_depth_are_redacted_keys_included() -> None:
    redaction = Redactor().conversation()
    deep: object = "田中花子です"
    for _ in range(40):
        deep = {"a": [deep]}

    shown = redaction.value({"deep": deep, "山田太郎です": 1, "n": 2.5, "none": None, "yes": True, "phone": 9012345678})

    assert "花子" not in str(shown)
    assert "太郎" not in str(shown)
    assert (shown["n"], shown["none"], shown["yes"], shown["phone"]) == (2.5, None, True, WITHHELD)


def test_what_is_nested_too_deeply_is_withheld() -> None:
    deep: object = "田中花子です"
    for _ in range(10_000):
        deep = [deep]

    assert "花子" not in str(Redactor().conversation().value(deep))[:200_000]


def test_any_error_withholds_the_text_whole() -> None:
    def broken(_: object) -> list[object]:
        raise MemoryError

    redactor = Redactor(recognisers=[broken])  # type: ignore[list-item]

    assert redactor.conversation().text("田中花子です") == WITHHELD
    assert redactor.conversation().value({"a": "田中花子です"}) == {WITHHELD: WITHHELD}
    assert Plain(redactor).text("田中花子です") == WITHHELD


def test_a_text_too_long_to_read_is_withheld() -> None:
    assert Redactor().conversation().text("a" * 50_001) == WITHHELD


@pytest.mark.parametrize(
    "odd", ["", "\ud800", "\x00", "\u200b", "ﾞ", "が\u3099\u3099", "🙏🏽", "𠮷野です", "\U000e0041"]
)
def test_odd_text_comes_back_and_breaks_nothing(odd: str) -> None:
    assert isinstance(Redactor().conversation().text(odd), str)


@pytest.mark.parametrize(
    "words",
    [
        "classify: '葛根湯と胃痛' is none of [...]",
        r"'\u845b\u6839\u6e6f'",
        repr("葛根湯".encode()),
        "/v1/%E8%91%9B%E6%A0%B9",
    ],
)
def test_a_log_line_shows_no_letter_that_is_not_the_programs(words: str) -> None:
    shown = PLAIN.text(words)

    assert "〔…〕" in shown
    assert "葛" not in shown


def test_a_log_line_in_plain_english_stays() -> None:
    line = "draft_rejected node=judge drafts_written=2 lowest_mark=2 run=550e8400-e29b-41d4-a716-446655440000 100%"

    assert PLAIN.text(line) == line


@pytest.mark.parametrize(
    "own",
    [
        "df7f2214-4014-42cf-8070-a12345678901",
        "line-df7f2214401442cf8070a12345678901",
        "08012345-0901-4090-8080-080123456789",
    ],
)
def test_an_id_drawn_by_lot_is_nobodys_number(own: str) -> None:
    assert PLAIN.text(f"suggestion '{own}': there is none") == f"suggestion '{own}': there is none"


def test_a_number_beside_an_id_or_in_a_likeness_of_one_is_redacted() -> None:
    own = "df7f2214-4014-42cf-8070-a12345678901"

    assert Redactor().conversation().text(f"電話 090-1234-5678 {own}") == f"電話 〔電話1〕 {own}"
    assert "08012345678" not in Redactor().conversation().text("連絡先 df7f2214-4014-52cf-0070-08012345678")
