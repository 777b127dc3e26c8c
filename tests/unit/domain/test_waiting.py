"""How long a patient has waited: only opening hours count, over a night, a weekend and a holiday."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from pharmacy.domain.business_hours import BusinessHours, load_business_hours
from pharmacy.domain.waiting import Colour, Waited, waited
from pharmacy.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(scope="module")
def shipped() -> BusinessHours:
    return load_business_hours(Settings().business_hours_file)


def _at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("since", "now", "minutes"),
    [
        pytest.param("2026-11-24T10:00", "2026-11-24T10:20", 20, id="within-one-day"),
        pytest.param("2026-11-24T17:45", "2026-11-25T09:10", 25, id="over-a-night"),
        pytest.param("2026-11-24T19:00", "2026-11-25T08:59", 0, id="only-a-night"),
        pytest.param("2026-11-20T17:30", "2026-11-24T09:05", 35, id="over-a-weekend-and-a-holiday-on-monday"),
        pytest.param("2026-11-23T12:00", "2026-11-23T15:00", 0, id="only-a-holiday"),
        pytest.param("2026-12-28T17:00", "2027-01-04T09:30", 90, id="over-the-pharmacys-own-days"),
        pytest.param("2026-11-24T10:20", "2026-11-24T10:00", 0, id="a-clock-that-was-set-back"),
        pytest.param("2026-11-24T10:00", "2026-11-24T10:00", 0, id="just-now"),
        pytest.param("2026-11-24T06:00", "2026-11-24T20:00", 540, id="a-whole-day-around-its-hours"),
    ],
)
def test_only_hours_in_which_somebody_is_there_are_counted(
    shipped: BusinessHours, since: str, now: str, minutes: int
) -> None:
    assert waited(shipped, _at(since), _at(now)).business_seconds == minutes * 60
    assert waited(shipped, _at(since).astimezone(UTC), _at(now).astimezone(UTC)).business_seconds == minutes * 60


@pytest.mark.parametrize(
    ("now", "colour"),
    [
        pytest.param("2026-11-24T10:29:59", Colour.PLAIN, id="just-below-amber"),
        pytest.param("2026-11-24T10:30:00", Colour.AMBER, id="at-amber"),
        pytest.param("2026-11-24T11:59:59", Colour.AMBER, id="just-below-red"),
        pytest.param("2026-11-24T12:00:00", Colour.RED, id="at-red"),
        pytest.param("2028-11-24T12:00:00", Colour.RED, id="after-two-years"),
    ],
)
def test_a_wait_changes_its_colour_at_both_limits(shipped: BusinessHours, now: str, colour: Colour) -> None:
    assert waited(shipped, _at("2026-11-24T10:00"), _at(now)).colour is colour


def test_a_wait_of_the_evening_is_still_plain_in_the_next_business_morning(shipped: BusinessHours) -> None:
    # Friday evening; Monday is a holiday.
    assert waited(shipped, _at("2026-11-20T18:05"), _at("2026-11-24T09:29")).colour is Colour.PLAIN
    assert waited(shipped, _at("2026-11-20T18:05"), _at("2026-11-24T09:30")).colour is Colour.AMBER


def test_the_limits_are_the_files(shipped: BusinessHours) -> None:
    patient = replace(shipped, amber_hours=3.0, red_hours=4.0)

    assert waited(patient, _at("2026-11-24T10:00"), _at("2026-11-24T12:30")).colour is Colour.PLAIN


def test_what_waits_for_nobody_is_no_wait(shipped: BusinessHours) -> None:
    assert waited(shipped, None, _at("2026-11-24T12:30")) == Waited(0.0, Colour.PLAIN)


def test_an_hour_that_the_clocks_leave_out_is_not_counted(shipped: BusinessHours) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    sundays = replace(shipped, zone=berlin, weekly={6: ((time(0), time(12)),)})
    midnight, noon = (datetime(2026, 3, 29, hour, tzinfo=berlin) for hour in (0, 12))

    assert waited(sundays, midnight, noon).business_seconds == 11 * 3600
