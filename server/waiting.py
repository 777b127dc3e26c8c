"""Wait for an outcome without asking again and again: the database says when there is news."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Query

from pharmacy.storage.database import Transaction
from pharmacy.storage.refusals import StoreBusy
from server.program import Program

LOOK_SECONDS = 5.0
"""How long a silent database is trusted to have no news."""

STOP_SECONDS = 0.5
"""How soon a process that stops lets those go who wait."""

Found = TypeVar("Found")

Wait = Annotated[
    float | None,
    Query(ge=0, le=60, allow_inf_nan=False, description="Wait so many seconds for the outcome; 200 with it, else 202."),
]


async def wait_for(
    program: Program,
    pharmacy_id: str,
    conversation_id: str,
    seconds: float,
    look: Callable[[Transaction], Awaitable[Found | None]],
) -> Found | None:
    """Return what `look` finds, as soon as it does, or None when `seconds` have passed."""
    until = time.monotonic() + seconds
    async with program.notices.subscribe("outcome", f"{pharmacy_id}/{conversation_id}") as news:
        while True:
            if (found := await _looked(program, pharmacy_id, look)) is not None:
                return found
            look_again = min(until, time.monotonic() + LOOK_SECONDS)
            while (left := look_again - time.monotonic()) > 0 and not program.stops:
                if await news.wait(min(left, STOP_SECONDS)):
                    break
            if program.stops or time.monotonic() >= until:
                return None


async def _looked(
    program: Program, pharmacy_id: str, look: Callable[[Transaction], Awaitable[Found | None]]
) -> Found | None:
    try:
        async with program.database.begin(pharmacy_id) as tx:
            return await look(tx)
    except StoreBusy:
        # What was asked for is committed: a busy store is no reason to say that it was not.
        return None
