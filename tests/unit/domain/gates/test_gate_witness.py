"""When what a rule finds holds a message at once, and when the likeness is asked first."""

from pathlib import Path

import numpy as np
import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.likeness import WEIGHTS, Floors, Likeness
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.rules import Trust

RECOGNISER = Recogniser.load()
TRUST = {rule.name: rule.trust for rule in RECOGNISER.rules}
NOTHING, NO_WEIGHTS = np.zeros(1, np.uint32), np.zeros((1, 3), np.int16)
FLOORS = Floors(held=0.5, emergency=0.0, emergency_too=0.0, emergency_rule=-4.0, rule=-2.0, hint=-1.0)
LIKENESS = Likeness(NOTHING, NO_WEIGHTS, NOTHING, NO_WEIGHTS, {}, (0.0, 0.0, 0.0), FLOORS)


@pytest.mark.parametrize(
    ("trust", "tier", "scores", "confirmed"),
    [
        pytest.param(Trust.ALONE, Tier.E, (-9.0, -9.0, -9.0), True, id="a trusted rule is asked nothing"),
        pytest.param(Trust.WITNESS, Tier.E, (-3.0, -0.5, 0.0), True, id="an emergency is let go only below its floor"),
        pytest.param(Trust.WITNESS, Tier.E, (-3.0, -1.5, 0.0), False, id="an emergency that is surely none"),
        pytest.param(Trust.WITNESS, Tier.U, (-1.5, -9.0, 0.0), True, id="another rule"),
        pytest.param(Trust.WITNESS, Tier.H, (-2.5, 9.0, 9.0), False, id="another rule in a harmless text"),
        pytest.param(Trust.HINT, Tier.U, (-1.5, 9.0, 9.0), False, id="a hint asks for more"),
        pytest.param(Trust.HINT, Tier.U, (-0.5, -9.0, -9.0), True, id="a hint with a witness"),
    ],
)
def test_the_less_a_rule_is_trusted_the_more_likeness_it_asks_for(
    trust: Trust, tier: Tier, scores: tuple[float, float, float], confirmed: bool
) -> None:
    assert LIKENESS.confirms(scores, tier, trust) is confirmed


def test_the_words_of_an_emergency_in_a_harmless_message_are_let_go() -> None:
    text = "昨日の最終回は胸が締めつけられる名場面でした。送料はいくらですか"

    assert RECOGNISER.recognise(text).tier is None


@pytest.mark.parametrize("rule", ["self_harm_suicide.farewell", "violence_abuse.abuse_of_the_weak"])
def test_a_quiet_emergency_needs_no_witness(rule: str) -> None:
    # Words of farewell and of abuse told in passing are like those of harmless messages.
    assert TRUST[rule] is Trust.ALONE


def test_no_emergency_rule_is_only_a_hint() -> None:
    hints = [rule.name for rule in RECOGNISER.rules if rule.tier is Tier.E and rule.trust is Trust.HINT]

    assert hints == []


def test_an_emergency_told_with_a_laugh_stays_one() -> None:
    for text in ("喘息の吸入をしても息が苦しいままです笑", "血を吐いて止まりません(笑)"):
        assert RECOGNISER.recognise(text).tier is Tier.E, text


@pytest.mark.parametrize(
    "before",
    [
        "クーポンの件ありがとうございます。",
        "支払い方法を変更できますか。",
        "孫の運動会でした。",
        "荷物が届きました\n",
        "領収書をください!",
    ],
)
def test_what_is_said_before_an_emergency_talks_none_away(before: str) -> None:
    emergencies = [hit for rule in RECOGNISER.rules if rule.tier is Tier.E for hit in rule.hits]

    assert [text for text in emergencies if RECOGNISER.recognise(before + text).tier is not Tier.E] == []


@pytest.mark.parametrize("text", ["👍", "🙏🙏", "1", "まだ", "うん", "はい", "もう", "…", "48歳", "山本由美子"])
def test_a_short_reply_is_no_emergency(text: str) -> None:
    assert RECOGNISER.recognise(text).tier is None


@pytest.mark.parametrize("text", ["🆘", "🚑🚑", "🔪😭"])
def test_a_cry_for_help_in_emoji_is_one(text: str) -> None:
    assert RECOGNISER.recognise(text).tier is Tier.E


@pytest.mark.parametrize("kept", [0, 100, 50_000])
def test_damaged_weights_are_named_and_nothing_else_is_raised(tmp_path: Path, kept: int) -> None:
    damaged = tmp_path / "likeness.npz"
    damaged.write_bytes(WEIGHTS.read_bytes()[:kept])

    with pytest.raises(ConfigError, match=r"likeness\.npz: cannot be read"):
        Likeness.load(damaged)


def test_a_changed_byte_of_the_weights_is_noticed(tmp_path: Path) -> None:
    damaged = tmp_path / "likeness.npz"
    whole = bytearray(WEIGHTS.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    damaged.write_bytes(whole)

    with pytest.raises(ConfigError, match=r"likeness\.npz: cannot be read"):
        Likeness.load(damaged)
