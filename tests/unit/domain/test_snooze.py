"""Until when a conversation is set aside: each choice means an opening of the pharmacy, holidays left out."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pharmacy.domain.business_hours import load_business_hours
from pharmacy.domain.snooze import own_time, times
from pharmacy.settings import CHECKOUT

JAPAN = ZoneInfo("Asia/Tokyo")
HOURS = load_business_hours(CHECKOUT / "nodes/business_hours.toml")


@pytest.mark.parametrize(
    ("now", "opening", "week"),
    [
        pytest.param("2026-11-24T10:00", "2026-11-25T09:00", "2026-11-30T09:00", id="while-open-the-next-morning"),
        pytest.param("2026-11-24T07:00", "2026-11-24T09:00", "2026-11-30T09:00", id="before-opening-the-same-day"),
        pytest.param("2026-11-20T18:30", "2026-11-24T09:00", "2026-11-24T09:00", id="over-a-weekend-and-a-holiday"),
        pytest.param("2026-12-28T12:00", "2027-01-04T09:00", "2027-01-04T09:00", id="over-the-new-year"),
        pytest.param("2026-11-22T12:00", "2026-11-24T09:00", "2026-11-24T09:00", id="a-sunday-is-in-its-old-week"),
    ],
)
def test_a_choice_is_when_the_pharmacy_opens(now: str, opening: str, week: str) -> None:
    found = times(HOURS, _at(now))

    assert (found["opening"], found["week"]) == (_at(opening), _at(week))
    assert (found["hour"] - _at(now)).total_seconds() == 3600


def test_an_own_time_is_the_pharmacys_whatever_stands_behind_it() -> None:
    assert own_time(HOURS, "2026-11-24T15:30+00:00") == _at("2026-11-24T15:30")
    with pytest.raises(ValueError, match="Invalid isoformat"):
        own_time(HOURS, "tomorrow")


def _at(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=JAPAN)
