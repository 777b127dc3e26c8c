"""How fast one model may be asked, by all processes together, and who goes first when it is asked too much."""

import math
from dataclasses import dataclass
from enum import StrEnum

WINDOW_SECONDS = 60.0
"""Within any so many seconds no more is asked than the limit allows for a minute."""

AT_ONCE_SECONDS = 10.0
"""So many seconds' worth may go out together; the pace is slower by as much, so that no window ever holds more."""


class Priority(StrEnum):
    """Whom a call is for. While a model is asked as much as it may be, the first in this order go first."""

    PATIENT = "patient"
    """A reply waits for it; such calls queue in the order they come, and may take all there is."""

    PERSON = "person"
    """Somebody looks on, but no patient waits: half of what may go out together is left to the patients."""

    BACKGROUND = "background"
    """Shadows, evaluations, labelling: all of what may go out together is left to the others."""

    @property
    def ahead_seconds(self) -> float:
        """By how much what is taken already may be ahead of the pace when such a call goes out; infinite: by all."""
        return {Priority.PATIENT: math.inf, Priority.PERSON: AT_ONCE_SECONDS / 2, Priority.BACKGROUND: 0.0}[self]


@dataclass(frozen=True)
class Pace:
    """How much may be taken: steadily, and at once."""

    per_second: float
    at_once: float

    @classmethod
    def of(cls, per_minute: int | None) -> "Pace | None":
        """Return the pace at which no window of a minute holds more than `per_minute`; None where nothing is said.

        What goes out in a window is at most what the pace gives in it and what went out together before: so
        `per_second` times (a minute + the seconds' worth that may go out together) is the limit itself.
        """
        if per_minute is None:
            return None
        # Of very few a minute, one at least must be able to go out without waiting for a whole rest.
        together = max(AT_ONCE_SECONDS, WINDOW_SECONDS / max(1, per_minute - 1))
        per_second = per_minute / (WINDOW_SECONDS + together)
        return cls(per_second, per_second * together)


@dataclass(frozen=True)
class ModelLimit:
    """What a model may be asked for in a minute; None is without limit."""

    model: str
    """The name that the limit was written for, as `provider:name`: its dated snapshots share it."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Tokens read and written, those that an answer may have at most counted before it is there."""

    def __str__(self) -> str:
        """Return both in words."""
        told = ((self.requests_per_minute, "requests"), (self.tokens_per_minute, "tokens"))
        said = [f"{most} {what}" for most, what in told if most is not None]
        return f"{self.model}: {' and '.join(said)} a minute"


@dataclass(frozen=True)
class Turn:
    """What the queue says to one who wants to ask."""

    granted: bool
    """Whether the call is counted already, and may go out after `wait_seconds`; else nothing is counted."""

    wait_seconds: float
    """Until it may go out, or until asking again makes sense; at least 0."""
