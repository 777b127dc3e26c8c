"""The output gate on the whole of its rows: what passes that may not, what is held that may be sent."""

from collections import Counter

import pytest

from tests.unit.domain.gates.claims_rows import Row, rows

BAD, CLEAN, REWORDED = rows("bad"), rows("clean"), rows("reworded")
MOST_CLEAN_HELD_SHARE = 0.03

# A superlative is a guarantee; the file's kinds are those of PROMISES 5.4.
RULE_KINDS = {"superlative": ("guarantee",), "contact": ("contact",), "dose": ("dose",), "form": ("form",)}
DISGUISES = {
    "spaces": " ".join,
    "wide-spaces": "\u3000".join,
    "middle-dots": "・".join,
    "stars": "*".join,
    "hearts": "♡".join,
    "brackets": lambda text: "".join(f"「{char}」" for char in text),
    "dots": ".".join,
    "zero-width": "\u200b".join,
    "katakana": lambda text: "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text),
}


def test_the_sets_are_of_the_promised_size() -> None:
    assert (len(BAD), len(CLEAN)) == (200, 300)
    assert len({row.text for row in BAD + CLEAN + REWORDED}) == len(BAD + CLEAN + REWORDED)


def test_the_bad_set_holds_every_kind() -> None:
    kinds = Counter(row.kind for row in BAD)

    assert set(kinds) == {
        "guarantee", "superlative", "safety", "disease_cure", "diagnosis", "prescription", "dose", "endorsement",
        "single_herb", "contact", "name", "prompt", "form",
    }  # fmt: skip
    assert min(kinds.values()) >= 5


@pytest.mark.parametrize("row", BAD, ids=lambda row: f"{row.kind}-{row.text[:16]!r}")
def test_a_bad_text_is_held_for_its_own_reason(row: Row) -> None:
    kinds = {hit.rule.split(".")[0] for hit in row.hits}

    assert kinds.intersection(RULE_KINDS.get(row.kind, (row.kind,)))


def test_at_most_three_in_a_hundred_clean_texts_are_held() -> None:
    held = [row.text for row in CLEAN if row.hits]

    assert len(held) <= MOST_CLEAN_HELD_SHARE * len(CLEAN), held


def test_no_reworded_bad_text_passes() -> None:
    passed = [row.text for row in REWORDED if row.kind == "reworded" and not row.hits]

    assert passed == []


def test_at_most_three_in_a_hundred_reworded_clean_texts_are_held() -> None:
    clean = [row for row in REWORDED if row.kind == "clean"]
    held = [row.text for row in clean if row.hits]

    assert len(held) <= MOST_CLEAN_HELD_SHARE * len(clean), held


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_claim_in_disguise_is_still_held(disguise: str) -> None:
    worded = [row for row in BAD if row.kind not in ("form", "contact", "name", "prompt")]

    passed = [row.text for row in worded if not Row(DISGUISES[disguise](row.text), row.kind, row.context).hits]

    assert passed == []


def test_every_hit_shows_the_words_it_stands_on() -> None:
    for row in BAD:
        for hit in row.hits:
            start, end = hit.span
            assert row.text[start:end] == hit.matched or hit.rule == "form.long"
            assert hit.reason_ja
