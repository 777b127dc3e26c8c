"""One thing that can go wrong with an answer, as a value."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Connection, Reply

Completion = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: exactly one of the three is set."""

    name: str
    refuse: Callable[[], ApiError] | None = None
    """An error answer in place of a completion."""

    bend: Callable[[Completion], Completion] | None = None
    """A completion that is not as it should be."""

    play: Callable[[Connection, Reply], Awaitable[None]] | None = None
    """A good answer that does not come over the wire as it should."""
