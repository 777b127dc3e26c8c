"""What every way out to a patient has in common: one parcel, one attempt, one end of it."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pharmacy.domain.unsent_for import UnsentFor


class Delivery(StrEnum):
    """How one attempt ended."""

    SENT = "sent"
    AGAIN = "again"
    """It may or may not have arrived: the same key again, later."""

    NOT_TRIED = "not_tried"
    """Certainly nothing arrived: later, as if it had never been tried."""

    REFUSED = "refused"
    """The receiver will never take it: no further attempt."""


@dataclass(frozen=True)
class Attempt:
    """One attempt's end, in words for a person."""

    delivery: Delivery
    said: str = ""
    wait_seconds: float | None = None
    """How long the receiver asks us to wait before the next attempt; None when it asks for nothing."""

    code: UnsentFor = UnsentFor.RECEIVER_REFUSED
    """Why it has not arrived, of an attempt that was not `sent`."""


@dataclass(frozen=True)
class Contact:
    """The patient as a channel knows them, read when the text was let go."""

    address: str
    has_left: bool = False


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
    contact: Contact | None = None
    """Whom the channel itself knows the patient as; None where it knows nobody."""

    good_until: float = math.inf
    """The moment of `time.monotonic()` past which nothing leaves: what let the text go may no longer hold."""


class Channel(Protocol):
    """One way out."""

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Make one attempt at handing `parcel` over; raise nothing."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
