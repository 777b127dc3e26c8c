"""How the stand-in goes wrong, one request at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.fakes.openai_server.http import Connection, Reply

FOR_EVER = 24 * 3600.0
Play = Callable[[Connection], Awaitable[Reply | None]]


@dataclass(frozen=True)
class Fault:
    """One fault."""

    name: str
    accepts: bool
    """True when LINE does what was asked before it goes wrong."""

    play: Play


def status(code: int, *, accepts: bool = False, headers: dict[str, str] | None = None, said: str = "error") -> Fault:
    """Answer `code`; with `accepts`, after the message has been delivered."""

    async def play(_: Connection) -> Reply:
        return Reply.of({"message": said}, code, headers)

    return Fault(f"status_{code}", accepts, play)


def hang(*, accepts: bool = False) -> Fault:
    """Never answer."""

    async def play(_: Connection) -> None:
        await asyncio.sleep(FOR_EVER)

    return Fault("hang", accepts, play)


def reset(*, accepts: bool = False) -> Fault:
    """Tear the connection down."""

    async def play(connection: Connection) -> None:
        connection.reset()
        await asyncio.sleep(FOR_EVER)

    return Fault("reset", accepts, play)


@dataclass
class Faults:
    """The faults to come, for pushes and replies, in order."""

    waiting: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    """Befalls every request once the waiting ones are used up."""

    def take(self) -> Fault | None:
        """Return the fault that befalls this request, if any."""
        return self.waiting.pop(0) if self.waiting else self.always
