"""What the store refuses, in words a person can act on; `server/errors.py` gives them their status."""

from dataclasses import dataclass, field
from typing import Any


class StoreError(Exception):
    """Something asked of the store that cannot be."""


class NotHere(StoreError):
    """There is no such thing in this pharmacy; a foreign one answers alike."""


class Conflict(StoreError):
    """The same id was used before with other content."""


@dataclass
class Stale(StoreError):
    """The decision rests on what is no longer so."""

    said: str
    version: int
    """The conversation's version now."""

    newer_messages: list[dict[str, Any]] = field(default_factory=list)
    """The patient's messages since the version read, oldest first."""

    state: str | None = None
    """What became of the suggestion, when that is why."""

    def __str__(self) -> str:
        return self.said


class StoreBusy(StoreError):
    """The database could not take it in time; asking again is right."""
