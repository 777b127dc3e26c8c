"""`triage`: how the messages are read, and the openings that name their category."""

import pytest

from nodes.load import load_flow, openings
from nodes.triage import triage
from pharmacy.domain.gates.hit import Tier
from tests.fakes.word_recogniser import WordRecogniser

OPENINGS = openings(load_flow())
MENU = "【メニュー】注文・配送"


def test_each_message_is_read_by_itself_and_all_as_one() -> None:
    recogniser = WordRecogniser()

    triage(["胸が", "苦しいです"], recogniser, OPENINGS)

    assert recogniser.read == ["胸が", "苦しいです", "胸が\n苦しいです"]


def test_one_message_is_read_once() -> None:
    recogniser = WordRecogniser()

    triage(["こんにちは"], recogniser, OPENINGS)

    assert recogniser.read == ["こんにちは"]


def test_a_plea_that_is_spread_over_messages_is_found() -> None:
    found = triage(["胸が", "苦しい"], WordRecogniser({"胸が\n苦しい": Tier.E}), OPENINGS)

    assert found.tier is Tier.E


def test_every_message_is_read_not_only_the_newest() -> None:
    found = triage(["胸が苦しい", "住所を変えたいです"], WordRecogniser({"胸が苦しい": Tier.E}), OPENINGS)

    assert found.tier is Tier.E


def test_the_most_pressing_tier_counts() -> None:
    recogniser = WordRecogniser({"電話": Tier.H, "息が": Tier.E, "薬": Tier.U})

    found = triage(["電話で薬のことを。息が"], recogniser, OPENINGS)

    assert found.tier is Tier.E
    assert len(found.hits) == 3


def test_the_same_hit_in_two_readings_is_kept_once() -> None:
    found = triage(["電話", "はい"], WordRecogniser({"電話": Tier.H}), OPENINGS)

    assert len(found.hits) == 1


def test_nothing_found_is_no_tier() -> None:
    assert triage(["荷物はいつ届きますか"], WordRecogniser(), OPENINGS).tier is None


@pytest.mark.parametrize(("opening", "category"), OPENINGS.items())
def test_an_opening_names_its_category(opening: str, category: str) -> None:
    assert triage([f" {opening}\n"], WordRecogniser(), OPENINGS).opening == category


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([f"{MENU}です"], id="more-words"),
        pytest.param([MENU, "いつ届きますか"], id="another-message"),
        pytest.param(["いつ届きますか"], id="no-opening"),
        pytest.param([""], id="empty"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_is_more_or_less_than_an_opening_names_none(texts: list[str]) -> None:
    assert triage(texts, WordRecogniser(), OPENINGS).opening is None


def test_a_gated_opening_names_none() -> None:
    assert triage([MENU], WordRecogniser({"配送": Tier.H}), OPENINGS).opening is None
