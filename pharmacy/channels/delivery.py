"""What every way out to a patient has in common: one parcel, one attempt, one end of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Delivery(StrEnum):
    """How one attempt ended."""

    SENT = "sent"
    AGAIN = "again"
    """It may or may not have arrived: the same key again, later."""

    REFUSED = "refused"
    """The receiver will never take it: no further attempt."""


@dataclass(frozen=True)
class Attempt:
    """One attempt's end, in words for a person."""

    delivery: Delivery
    said: str = ""
    wait_seconds: float | None = None
    """How long the receiver asks us to wait before the next attempt; None when it asks for nothing."""


@dataclass(frozen=True)
class Parcel:
    """What the receiver is told."""

    retry_key: str
    """A UUID, the same for every attempt, by which the receiver drops repeats."""

    conversation_id: str
    recipient: str
    text: str
    author: str
    pharmacy_id: str = ""


class Channel(Protocol):
    """One way out."""

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Make one attempt at handing `parcel` over; raise nothing."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
