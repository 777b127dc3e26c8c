"""One request as the stand-in reads it, and what it refuses."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Names in small letters."""

    body: bytes = b""

    def one(self, name: str, default: str | None = None) -> str | None:
        """Return the only value of a query's field."""
        return (self.query.get(name) or [default])[0]

    def page(self) -> slice:
        """Return the part of a list that is asked for; at most a hundred at once."""
        offset, limit = int(self.one("offset", "0") or 0), int(self.one("limit", "100") or 100)
        if not 1 <= limit <= 100:
            raise Refused(422, f"limit {limit}: 1 to 100")
        return slice(offset, offset + limit)

    def told(self, allowed: set[str]) -> dict[str, Any]:
        """Return the JSON object of the body, which may have no other keys."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Refused(422, f"{self.path}: {error}") from error
        if not isinstance(value, dict) or set(value) - allowed:
            raise Refused(422, f"{self.path}: {value!r} has other keys than {sorted(allowed)}")
        return value


class Refused(Exception):
    """LangSmith would not take it."""

    def __init__(self, status: int, why: str, *, expected: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.expected = expected
        """True for an answer that clients ask for, such as that something is not there yet: no problem of a test."""


def as_id(value: Any, place: str) -> str:
    """Return `value` as an id."""
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        raise Refused(422, f"{place} {value!r} is no id") from error
