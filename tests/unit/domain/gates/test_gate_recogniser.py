"""What the recogniser reports, how it reads negation, past and long texts, and how long it takes."""

import time

import pytest

from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.recognise import Recogniser
from tests.unit.domain.gates.gate_rows import SMALL_TALK

RECOGNISER = Recogniser.load()


def tier(text: str) -> Tier | None:
    return RECOGNISER.recognise(text).tier


def test_a_hit_names_rule_place_and_words() -> None:
    text = "こんばんは。ﾑﾈが痛いです"

    hit = next(hit for hit in RECOGNISER.recognise(text).hits if hit.rule == "emergency_cardio_resp.chest_pain")

    first, last = hit.span
    assert hit.tier is Tier.E
    assert normalise(text).text[first:last] == hit.matched
    assert "むねが痛" in hit.matched


def test_the_most_pressing_tier_counts() -> None:
    recognition = RECOGNISER.recognise("薬剤師さんと話したいです。胸が痛くて息が苦しいです")

    assert recognition.tier is Tier.E
    assert {hit.tier for hit in recognition.hits} >= {Tier.E, Tier.H}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("胸の痛みはありません", None, id="negated"),
        pytest.param("胸の痛みはないけど、ろれつが回りません", Tier.E, id="negation cancels its own symptom only"),
        pytest.param("動悸も息切れも胸の痛みもありません", None, id="a negated list"),
        pytest.param("胸の痛みがないわけではありません", Tier.E, id="negated negation"),
        pytest.param("去年は胸が痛い時期がありましたが、今は元気です", None, id="long past and resolved"),
        pytest.param("去年は胸が痛い時期がありましたが、今は元気です。大丈夫でしょうか?", Tier.E, id="but asked about"),
        pytest.param("さっきまで胸が痛かったです。今は治りました", Tier.E, id="just past"),
        pytest.param("隣のおじいさんが胸を痛がっています", Tier.E, id="third person"),
    ],
)
def test_negation_and_past(text: str, wanted: Tier | None) -> None:
    assert tier(text) is wanted


@pytest.mark.parametrize("letters", [300, 4_400, 5_000, 12_000, 100_000])
def test_an_emergency_in_a_long_text_is_found(letters: int) -> None:
    around = SMALL_TALK * (letters // len(SMALL_TALK) + 1)

    assert tier(around[:letters] + "。胸が締めつけられて冷や汗が出ます。" + around[:letters]) is Tier.E


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 5_000, id="one letter"),
        pytest.param("あ" * 4_999 + "!", id="one kana"),
        pytest.param("か" + "\u0301" * 4_999, id="combining marks"),
        pytest.param("胸が痛くない" * 833, id="negated symptoms"),
        pytest.param("飲んで胸頭腹痛い血便死に" * 416, id="trigger words"),
        pytest.param("し・に・た・" * 833, id="spelt out"),
        pytest.param("((((a+)+)+)+)+$" * 333, id="a regex bomb"),
        pytest.param("\u200b" * 5_000, id="nothing to see"),
        pytest.param("漢方を飲んでいます。" * 500, id="many sentences"),
        pytest.param("胸の痛みはないです。薬のせいではないです。" * 230, id="many negated findings"),
    ],
)
def test_five_thousand_hostile_letters_take_bounded_work(text: str) -> None:
    RECOGNISER.recognise(text)
    start = time.thread_time()

    RECOGNISER.recognise(text)

    # A guard against work that grows faster than the text; the figure itself is measured by `make bench`.
    assert time.thread_time() - start < 0.5


@pytest.mark.parametrize("text", ["", " ", "\n", "\ud800", "\x00", "{{7*7}}{user}", "👨‍👩‍👧‍👦" * 1000, '{"lc":1}'])
def test_any_string_is_taken(text: str) -> None:
    assert RECOGNISER.recognise(text).tier in (None, *Tier)
