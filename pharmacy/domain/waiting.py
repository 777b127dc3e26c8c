"""How long a patient has waited while somebody was there, and whether that is long."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pharmacy.domain.business_hours import BusinessHours


class Colour(StrEnum):
    """How a wait is shown; never by colour alone."""

    PLAIN = "plain"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Waited:
    """A wait, as the pharmacy's own hours count it."""

    business_seconds: float
    colour: Colour


def waited(hours: BusinessHours, waiting_since: datetime | None, now: datetime) -> Waited:
    """Return how long a patient has waited at `now`, and its colour by the two limits of `hours`.

    Args:
        waiting_since: aware; None while nothing waits on the pharmacy, which is no wait at all.
    """
    seconds = hours.seconds_between(waiting_since, now) if waiting_since else 0.0
    if seconds >= hours.red_hours * 3600:
        return Waited(seconds, Colour.RED)
    return Waited(seconds, Colour.AMBER if seconds >= hours.amber_hours * 3600 else Colour.PLAIN)
