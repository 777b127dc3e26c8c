"""Let only some calls be on their way out at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

CALLS_AT_ONCE = 16


class StartGate:
    """One per endpoint.

    Building and sending a request takes milliseconds of CPU. Were a thousand begun in one turn of the event loop, the
    time-outs of their connects would run out before the loop came round to look: the endpoint would seem to be down.
    """

    def __init__(self, calls_at_once: int = CALLS_AT_ONCE) -> None:
        self._free = asyncio.Semaphore(calls_at_once)

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn, and give what is to be called once the request is out; at the end it is called anyway."""
        await self._free.acquire()
        held = [True]

        def sent() -> None:
            if held:
                held.clear()
                self._free.release()

        try:
            yield sent
        finally:
            sent()
