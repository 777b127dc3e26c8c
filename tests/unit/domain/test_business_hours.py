"""When the pharmacy is open: weekdays, Japanese public holidays, its own days, and what is wrong in the file."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pharmacy.domain.business_hours import BusinessHours, load_business_hours
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(scope="module")
def shipped() -> BusinessHours:
    return load_business_hours(Settings().business_hours_file)


def _at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        pytest.param("2026-11-24T09:00", True, id="a-tuesday-at-opening"),
        pytest.param("2026-11-24T18:00", False, id="at-closing"),
        pytest.param("2026-11-22T12:00", False, id="a-sunday"),
        pytest.param("2026-11-23T12:00", False, id="labour-thanksgiving-day-on-a-monday"),
        pytest.param("2027-03-22T12:00", False, id="the-day-after-the-equinox-fell-on-a-sunday"),
        pytest.param("2026-12-30T12:00", False, id="a-day-of-the-pharmacys-own"),
    ],
)
def test_open_and_closed_times_by_the_local_clock(shipped: BusinessHours, at: str, is_open: bool) -> None:
    assert shipped.is_open(_at(at)) is is_open
    assert shipped.is_open(_at(at).astimezone(UTC)) is is_open


def test_the_next_opening_skips_weekend_and_holiday(shipped: BusinessHours) -> None:
    assert shipped.next_opening(_at("2026-11-20T18:30")) == _at("2026-11-24T09:00")
    assert shipped.next_opening(_at("2026-11-24T10:15")) == _at("2026-11-24T10:15")


def test_an_urgent_case_of_the_evening_is_late_in_the_next_business_morning(shipped: BusinessHours) -> None:
    assert shipped.urgent_until(_at("2026-12-28T17:30")) == _at("2027-01-04T10:30")
    assert shipped.urgent_until(_at("2026-11-24T10:00")) == _at("2026-11-24T12:00")


@pytest.mark.parametrize(
    ("line", "instead", "expected"),
    [
        pytest.param('time_zone = "Asia/Tokyo"', 'time_zone = "Mars/Base"', ":5: .*Mars/Base", id="unknown-zone"),
        pytest.param('["09:00-18:00"]', '["18:00-09:00"]', ":6: .*18:00-09:00", id="closes-before-it-opens"),
        pytest.param('["09:00-18:00"]', '["09:00-12:00", "11:00-18:00"]', ":6: .*one after another", id="overlapping"),
        pytest.param('"12-31"', '"13-31"', "13-31.*month and day", id="no-such-month"),
        pytest.param("urgent_hours = 2.0", "urgent_hours = 0.0", "urgent_hours", id="no-time-at-all"),
        pytest.param("red_hours = 2.0", "red_hours = 0.5", "red_hours.*more than amber_hours", id="red-before-amber"),
        pytest.param("public_holidays = true", "public_holliday = true", "public_hol", id="a-typo"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, line: str, instead: str, expected: str) -> None:
    words = Settings().business_hours_file.read_text(encoding="utf-8")
    assert line in words
    file = tmp_path / "hours.toml"
    file.write_text(words.replace(line, instead, 1), encoding="utf-8")

    with pytest.raises(ConfigError, match=expected):
        load_business_hours(file)


def test_a_pharmacy_that_never_opens_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hours.toml"
    file.write_text('[hours]\ntime_zone = "Asia/Tokyo"\npublic_holidays = true\nurgent_hours = 2.0\n')

    with pytest.raises(ConfigError, match="at least one weekday"):
        load_business_hours(file)
