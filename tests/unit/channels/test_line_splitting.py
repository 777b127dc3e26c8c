"""Long texts are cut where a reader sees a gap, at LINE's limit of UTF-16 units."""

import pytest
import regex

from pharmacy.channels.line.split import LONGEST_PIECE, MOST_PIECES, TooLong, pieces_of, units

FAMILY = "👨‍👩‍👧"  # 5 code points, 8 UTF-16 units


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        pytest.param("あ", [1], id="one-character"),
        pytest.param("あ" * 5_000, [5_000], id="5000"),
        pytest.param("あ" * 5_001, [5_000, 1], id="5001"),
        pytest.param("😀" * 2_500, [5_000], id="2500-emoji"),
        pytest.param("😀" * 2_501, [5_000, 2], id="2501-emoji"),
        pytest.param("あ" * 4_999 + FAMILY, [4_999, 8], id="family-at-the-edge"),
        pytest.param(FAMILY * 626, [5_000, 8], id="626-families"),
        pytest.param("あ" * 4_999 + "か\u3099", [4_999, 2], id="voiced-kana-at-the-edge"),
        pytest.param("あ" * 4_999 + "\r\n" + "い", [4_999, 3], id="line-end-at-the-edge"),
        pytest.param("あ" * 4_999 + "🇯🇵", [4_999, 4], id="flag-at-the-edge"),
        pytest.param("あ" * 3_000 + "。" + "い" * 3_000, [3_001, 3_000], id="after-a-sentence"),
        pytest.param("あ" * 2_600 + "\n" + "い。" * 1_500, [2_601, 3_000], id="a-line-before-a-sentence"),
        pytest.param("か" + "\u3099" * 1_000, [1_001], id="1000-combining-marks"),
    ],
)
def test_a_text_is_cut_at_5000_units(text: str, lengths: list[int]) -> None:
    pieces = pieces_of(text)

    assert [units(piece) for piece in pieces] == lengths
    assert "".join(pieces) == text


@pytest.mark.parametrize("text", [FAMILY * 3_000, "か\u3099" * 12_000, "a\u0301\n" * 8_000, "👍🏽x" * 4_000], ids=len)
def test_no_piece_begins_or_ends_within_what_a_reader_sees_as_one_character(text: str) -> None:
    pieces = pieces_of(text)

    assert [g for piece in pieces for g in regex.findall(r"\X", piece)] == regex.findall(r"\X", text)
    assert max(units(piece) for piece in pieces) <= LONGEST_PIECE


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("あ" * (LONGEST_PIECE * MOST_PIECES + 1), id="25001"),
        pytest.param("あ" * 1_000_000, id="1000000"),
        pytest.param("か" + "\u3099" * LONGEST_PIECE, id="one-character-of-5001-units"),
    ],
)
def test_what_does_not_fit_one_push_is_refused(text: str) -> None:
    with pytest.raises(TooLong, match="expected at most"):
        pieces_of(text)


def test_units_are_counted_as_utf_16_counts_them() -> None:
    assert units("a😀漢") == len("a😀漢".encode("utf-16-le")) // 2 == 4
