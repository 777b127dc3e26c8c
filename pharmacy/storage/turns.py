"""Who goes first to the store: work that can wait takes a few connections only, so that a message finds one free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from pharmacy.storage.refusals import StoreBusy

AT_ONCE = 4
"""How many transactions of work that can wait are open at once in this process."""

LONGEST_WAIT_SECONDS = 10.0

_waits: ContextVar[bool] = ContextVar("waits", default=False)


def step_back() -> None:
    """Let whatever this task does from now on, and the tasks that it starts, wait its turn at the store."""
    _waits.set(True)


class Turns:
    """The turns of one process's store."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn where this task is one that has stepped back, and hold it.

        Raises:
            StoreBusy: none came in time.
        """
        if not _waits.get():
            yield
            return
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreBusy(f"no turn at the store within {LONGEST_WAIT_SECONDS:g} s") from error
        # What is begun within a turn belongs to it: it would wait for a turn that its own holder keeps.
        token = _waits.set(False)
        try:
            yield
        finally:
            _waits.reset(token)
            self._free.release()
