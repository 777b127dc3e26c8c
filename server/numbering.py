"""Which numbers are asked for, and what they come to: the same for the API's call and the console's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pharmacy.domain.numbers import Figures
from pharmacy.storage import numbers
from pharmacy.storage.access import Caller
from server.errors import Refused
from server.program import Program

SHIPPED_DAYS = 30
MOST_DAYS = 366

Whose = Literal["own", "pharmacy"]


@dataclass(frozen=True)
class Period:
    """Days in Japan, the first and the last one included."""

    first: date
    last: date

    def each(self) -> list[date]:
        """Return every day of it."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


def period_of(first: date | None, last: date | None, days: int | None) -> Period:
    """Return the days that were asked for: those named, or else the last `days` up to today.

    Raises:
        Refused: the first comes after the last, or they are too many.
    """
    end = last or today()
    begin = first or end - timedelta(days=(days or SHIPPED_DAYS) - 1)
    if not 0 <= (end - begin).days < MOST_DAYS:
        raise Refused("from", begin.isoformat(), f"expected at most {MOST_DAYS} days, up to {end.isoformat()}")
    return Period(begin, end)


def today() -> date:
    """Return the day that it is in Japan."""
    return datetime.now(UTC).astimezone(ZoneInfo(numbers.JAPAN)).date()


async def numbers_of(program: Program, by: Caller, whose: Whose, period: Period) -> Mapping[numbers.Key, Figures]:
    """Return the caller's own figures, or the whole pharmacy's."""
    who = by.actor if whose == "own" else None
    async with program.database.begin(by.pharmacy_id) as tx:
        return await numbers.count(tx, numbers.Asked(by.pharmacy_id, period.first, period.last, who))
