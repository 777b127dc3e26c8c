"""One call as it is seen on the wire: what may come back, and what did."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

CONNECT_SECONDS = 3.0
MOST_CONTAINERS = 5_000
"""Brackets in a body; a completion has some dozens, and a few bytes each can cost its reader half a kilobyte."""


@dataclass
class Exchange:
    """What came back over the wire in one call."""

    most_bytes: int
    """How long the body may be, unpacked."""

    on_sent: Callable[[], None]
    """Called once the request is out."""

    status: int | None = None
    """None while no answer has begun."""

    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    refused: str = ""
    """Why the body was not read to its end; empty when it was not refused."""


exchange: ContextVar[Exchange] = ContextVar("exchange")
"""The call in work, for a transport that is reached through a framework."""


class BodyRefused(Exception):
    """The body, unpacked, is no sensible answer: too long, built of brackets, or packed as we did not ask."""
