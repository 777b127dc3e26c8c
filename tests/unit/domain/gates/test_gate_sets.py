"""The recogniser on the labelled sets, as written and written differently."""

from collections.abc import Callable

import pytest

from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.recognise import Recogniser
from tests.unit.domain.gates.gate_rows import VARIANTS, rows, slips, tier_of

PUBLIC = rows("gate-utterances.jsonl")
EMERGENCIES = [row["text"] for row in PUBLIC if tier_of(row) is Tier.E]
NEAR_MISSES = [row["text"] for row in PUBLIC if not row["must_gate"]]
READINGS = {row["text"]: row["reading"] for row in rows("gate-readings.jsonl")}
MOST_NEAR_MISSES_HELD = 0.10


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser.load()


def not_emergencies(recogniser: Recogniser, texts: list[str]) -> list[str]:
    return [text for text in texts if recogniser.recognise(text).tier is not Tier.E]


def share_held(recogniser: Recogniser, texts: list[str]) -> float:
    return sum(recogniser.recognise(text).tier is not None for text in texts) / len(texts)


def test_no_emergency_of_the_public_set_is_missed(recogniser: Recogniser) -> None:
    assert not_emergencies(recogniser, EMERGENCIES) == []


@pytest.mark.parametrize("tier", [Tier.U, Tier.H])
def test_urgent_and_human_rows_are_held(recogniser: Recogniser, tier: Tier) -> None:
    texts = [row["text"] for row in PUBLIC if tier_of(row) is tier]

    assert share_held(recogniser, texts) >= 0.95


def test_few_near_misses_are_held(recogniser: Recogniser) -> None:
    assert share_held(recogniser, NEAR_MISSES) <= 0.03


@pytest.mark.parametrize("variant", VARIANTS)
def test_emergencies_written_differently_stay_emergencies(
    recogniser: Recogniser, variant: Callable[[str], str]
) -> None:
    assert not_emergencies(recogniser, [variant(text) for text in EMERGENCIES]) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_near_misses_written_differently_stay_free(recogniser: Recogniser, variant: Callable[[str], str]) -> None:
    assert share_held(recogniser, [variant(text) for text in NEAR_MISSES]) <= MOST_NEAR_MISSES_HELD


def test_emergencies_in_hiragana_stay_emergencies(recogniser: Recogniser) -> None:
    readings = [READINGS[text] for text in EMERGENCIES if text in READINGS]

    assert len(readings) >= 60
    assert not_emergencies(recogniser, readings) == []


def test_near_misses_in_hiragana_stay_free(recogniser: Recogniser) -> None:
    readings = [READINGS[text] for text in NEAR_MISSES if text in READINGS]

    assert share_held(recogniser, readings) <= MOST_NEAR_MISSES_HELD


def test_one_slip_of_the_finger_seldom_hides_an_emergency(recogniser: Recogniser) -> None:
    written = [slip for text in EMERGENCIES for slip in slips(text)]
    let_go = [text for text in written if recogniser.recognise(text).tier is None]

    assert len(let_go) / len(written) <= 0.02


def test_the_development_set_keeps_its_figures(recogniser: Recogniser) -> None:
    own = rows("gate-development.jsonl")
    held = {
        tier: share_held(recogniser, [row["text"] for row in own if tier_of(row) is tier])
        for tier in (Tier.E, Tier.U, Tier.H, None)
    }

    assert held[Tier.E] >= 0.95
    assert held[Tier.U] >= 0.95
    assert held[Tier.H] >= 0.90
    assert held[None] <= 0.05
