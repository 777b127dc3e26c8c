"""When the pharmacy is open: opening hours by the local clock, Japanese public holidays and the pharmacy's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jpholiday
from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.toml_file import TomlFile

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LOOK_AHEAD_DAYS = 60
"""Nobody closes for longer; a file that seems to is refused at start."""

Span = tuple[time, time]


@dataclass(frozen=True)
class BusinessHours:
    """Which hours a person is there, and how soon an urgent case must be seen."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Span]]
    """0 for Monday to 6 for Sunday; opening and closing by the local clock."""

    closed_days: frozenset[tuple[int, int]]
    """Month and day of the pharmacy's own holidays."""

    public_holidays: bool
    """Whether it is closed on Japanese public holidays."""

    urgent_hours: float
    """Business hours in which a tier U case must be acknowledged."""

    amber_hours: float
    """Business hours after which a patient who waits is shown as waiting long."""

    red_hours: float
    """The same for too long."""

    answered_by_machines: bool
    """Whether a reply that went out by itself ends a patient's wait."""

    def is_open(self, at: datetime) -> bool:
        """Return whether somebody is there at the aware time `at`."""
        return any(opens <= at < closes for opens, closes in self._openings(at))

    def next_opening(self, at: datetime) -> datetime:
        """Return when it opens next after the aware time `at`, by the local clock; `at` itself while it is open."""
        opens, _ = next((opens, closes) for opens, closes in self._openings(at) if at < closes)
        return max(opens, at.astimezone(self.zone))

    def opens_after(self, at: datetime) -> datetime:
        """Return when it next opens after the aware time `at`, by the local clock, whether it is open then or not."""
        return next(opens for opens, _ in self._openings(at) if opens > at)

    def after(self, at: datetime, hours: float) -> datetime:
        """Return the time when so many business hours have passed since the aware time `at`."""
        left = timedelta(hours=hours)
        for opens, closes in self._openings(at):
            begins = max(opens, at)
            if begins < closes:
                if left <= closes - begins:
                    return begins + left
                left -= closes - begins
        raise ValueError(f"after: hours={hours!r} do not fit into the {_LOOK_AHEAD_DAYS} days after {at}")

    def urgent_until(self, at: datetime) -> datetime:
        """Return when a tier U case of the aware time `at` must have been acknowledged."""
        return self.after(at, self.urgent_hours)

    def seconds_between(self, since: datetime, until: datetime) -> float:
        """Return for how many seconds it was open between two aware times; 0 when `until` is not the later one.

        Openings later than 60 days after `since` are not counted: by then any wait is too long.
        """
        begins, ends = since.astimezone(UTC), until.astimezone(UTC)  # one zone's clock times leave out its changes
        spans = ((max(opens.astimezone(UTC), begins), min(closes.astimezone(UTC), ends))
                 for opens, closes in takewhile(lambda span: span[0] < until, self._openings(since)))  # fmt: skip
        return sum((closes - opens).total_seconds() for opens, closes in spans if opens < closes)

    def _openings(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening times of the days from `at`'s on, oldest first."""
        today = at.astimezone(self.zone).date()
        for day in (today + timedelta(days=ahead) for ahead in range(_LOOK_AHEAD_DAYS)):
            for opens, closes in () if self._closed(day) else self.weekly.get(day.weekday(), ()):
                yield datetime.combine(day, opens, self.zone), datetime.combine(day, closes, self.zone)

    def _closed(self, day: date) -> bool:
        return (day.month, day.day) in self.closed_days or (self.public_holidays and jpholiday.is_holiday(day))


class _Hours(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    time_zone: str
    closed_days: list[str] = []
    public_holidays: bool
    urgent_hours: float = Field(gt=0, le=48)
    amber_hours: float = Field(default=0.5, gt=0, le=480)
    red_hours: float = Field(default=2.0, gt=0, le=480)
    answered_by_machines: bool = True
    monday: list[str] = []
    tuesday: list[str] = []
    wednesday: list[str] = []
    thursday: list[str] = []
    friday: list[str] = []
    saturday: list[str] = []
    sunday: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    hours: _Hours


def load_business_hours(file: Path) -> BusinessHours:
    """Return the hours that `file` describes.

    Raises:
        ConfigError: names file, line, key, value, and what was expected.
    """
    toml = TomlFile.read(file)
    read = toml.table((), _File).hours
    try:
        zone = ZoneInfo(read.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = f"{read.time_zone!r}: expected a time zone such as Asia/Tokyo"
        raise toml.wrong(("hours", "time_zone"), said) from None
    weekly = {number: _spans(toml, name, getattr(read, name)) for number, name in enumerate(WEEKDAYS)}
    closed = frozenset(_day(toml, said) for said in read.closed_days)
    if read.red_hours <= read.amber_hours:
        raise toml.wrong(("hours", "red_hours"), f"{read.red_hours!r}: expected more than amber_hours")
    hours = BusinessHours(
        zone, weekly, closed, read.public_holidays, read.urgent_hours, read.amber_hours, read.red_hours,
        read.answered_by_machines,
    )  # fmt: skip
    try:
        hours.urgent_until(datetime(2030, 1, 1, tzinfo=zone))
    except ValueError as error:
        raise toml.wrong(("hours",), f"{error}; expected at least one weekday with hours") from None
    return hours


def _spans(toml: TomlFile, weekday: str, said: Sequence[str]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for words in said:
        opens, _, closes = words.partition("-")
        try:
            span = (time.fromisoformat(opens), time.fromisoformat(closes))
        except ValueError:
            span = (time.max, time.min)
        if span[0] >= span[1] or (spans and span[0] < spans[-1][1]):
            raise toml.wrong(("hours", weekday), f"{words!r}: expected spans such as '09:00-18:00', one after another")
        spans.append(span)
    return tuple(spans)


def _day(toml: TomlFile, said: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2028-{said}")  # a leap year: 02-29 is a day
    except ValueError:
        raise toml.wrong(("hours", "closed_days"), f"{said!r}: expected month and day such as '12-31'") from None
    return day.month, day.day
