"""The file of fixed texts: nothing unapproved goes out, every number has its source, and each case has its words."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pharmacy.domain.business_hours import load_business_hours
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.fixed_texts import FixedTexts
from pharmacy.domain.fixed_texts_file import EMERGENCIES, load_fixed_texts
from pharmacy.domain.gates.claims import LintContext, lint
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Reason
from pharmacy.settings import Settings
from tests.fakes.approved_texts import approved

HOURS = load_business_hours(Settings().business_hours_file)
OPEN, CLOSED = (datetime(2026, 11, day, 12, tzinfo=ZoneInfo("Asia/Tokyo")) for day in (24, 22))


def _load(file: Path, *, emergencies: bool = True, handovers: bool = True) -> FixedTexts:
    return load_fixed_texts(file, HOURS, emergencies=emergencies, handovers=handovers)


def _emergency(category: str) -> Reason:
    return Reason("triage", "", Tier.E, (GateHit(f"{category}.rule", Tier.E, (0, 1), "x"),))


def test_as_shipped_the_file_is_sound_and_nothing_goes_out() -> None:
    texts = _load(Settings().fixed_texts_file, emergencies=False, handovers=False)

    assert [texts.for_case(_emergency(category), OPEN) for category in EMERGENCIES] == [None] * len(EMERGENCIES)
    assert texts.for_case(Reason("pharmacist_only", ""), OPEN) is None


@pytest.mark.parametrize("let", ["emergencies", "handovers"])
def test_a_text_that_nobody_has_approved_stops_the_start(let: str) -> None:
    with pytest.raises(ConfigError, match=r"fixed_texts.toml:\d+: .*approved_by.*nobody"):
        _load(Settings().fixed_texts_file, **{"emergencies": False, "handovers": False, let: True})


def test_every_emergency_has_words_that_the_output_gate_lets_pass(tmp_path: Path) -> None:
    texts = _load(approved(tmp_path))

    said = {category: texts.for_case(_emergency(category), CLOSED) for category in EMERGENCIES}

    for text in said.values():
        assert text is not None
        assert lint(text.words, LintContext(allowed_contacts=texts.contacts)) == ()
    assert all("119番" in text.words for text in said.values() if text)
    assert "0120-279-338" in said["self_harm_suicide"].words  # type: ignore[union-attr]
    assert "072-727-2499" in said["overdose_poisoning_ingestion"].words  # type: ignore[union-attr]


def test_an_emergency_that_only_a_model_found_has_the_general_words(tmp_path: Path) -> None:
    text = _load(approved(tmp_path)).for_case(Reason("classify", "", Tier.E), OPEN)

    assert text is not None
    assert text.name == "emergency_general"


def test_out_of_hours_the_next_opening_is_named(tmp_path: Path) -> None:
    texts = _load(approved(tmp_path))

    open_now, closed = (texts.for_case(Reason("pharmacist_only", ""), at) for at in (OPEN, CLOSED))

    assert open_now is not None
    assert closed is not None
    assert open_now.name == "received"
    assert "11月24日(火)9時から" in closed.words


@pytest.mark.parametrize("code", ["taken_over", "consent_refused", "answered_in_person", "not_sent", "too_old"])
def test_nothing_is_said_where_a_person_is_at_it_or_no_machine_is_wanted(tmp_path: Path, code: str) -> None:
    held = Reason("open_case", "", Tier.H, (GateHit(f"screen.{code}", Tier.H, (0, 0), ""),))

    assert _load(approved(tmp_path)).for_case(Reason(code, ""), OPEN) is None
    assert _load(approved(tmp_path)).for_case(held, OPEN) is None


@pytest.mark.parametrize(
    ("line", "instead", "expected"),
    [
        pytest.param("#7119(つ", "#7118(つ", "#7118", id="a-number-without-source"),
        pytest.param('"inochi"]', '"inochi", "nobody"]', "nobody", id="an-unknown-contact"),
        pytest.param('"self_harm_suicide"', '"adverse_reaction"', "adverse_reaction", id="no-emergency"),
        pytest.param('"emergency_neuro", ', "", "emergency_neuro", id="an-emergency-without-words"),
        pytest.param("薬剤師からお返事します。", "必ず治ります。", "output gate", id="words-that-the-gate-holds"),
        pytest.param("{{ opens }}", "あした", "blank", id="no-blank-for-the-opening"),
        pytest.param('use = "received"', 'use = "emergency"', "received", id="no-text-for-open-hours"),
        pytest.param('read_on = "2026-11-22"', 'read_on = "soon"', "a day such as", id="a-source-without-a-day"),
        pytest.param("approved_by", "aproved_by", "aproved_by", id="a-typo"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, line: str, instead: str, expected: str) -> None:
    file = approved(tmp_path)
    words = file.read_text(encoding="utf-8")
    head, tail = words.split("[texts.", 1)
    assert line in tail
    file.write_text(f"{head}[texts.{tail.replace(line, instead, 1)}", encoding="utf-8")

    with pytest.raises(ConfigError, match=rf"fixed_texts.toml:\d+: .*{expected}"):
        _load(file)
