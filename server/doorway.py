"""Messages that come in go first: a run begins when none is being taken, or a moment later, and later in a burst.

Whether they come in at this process it sees itself; of others it hears how many wait for a reply since a moment ago.
Those share the database with whoever works, and mostly the machine.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 0.05
"""For messages that are being taken: some twenty runs begin in a second while they keep coming, about what one ends."""
APART_SECONDS = 0.02
MANY, LATELY_SECONDS = 15, 0.25
"""So many new messages within so many seconds are a burst: sixty in a second."""

BURST_WAIT_SECONDS = 0.2
"""For a burst: five runs begin in a second while it lasts."""


class Doorway:
    """One per process."""

    def __init__(self, come_lately: Callable[[float], int] = lambda _: 0) -> None:
        """`come_lately` says how many messages any process has taken within the last seconds, as far as is known."""
        self._come_lately = come_lately
        self._taking = 0
        self._next = asyncio.Lock()

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Take a message while the body lasts."""
        self._taking += 1
        try:
            yield
        finally:
            self._taking -= 1

    async def quiet(self) -> None:
        """Return when no message is being taken, or when it is this caller's turn all the same; a moment apart.

        A run costs the event loop some ten milliseconds of CPU at its beginning. Sixty that begin at once would keep
        every message waiting for all of them.
        """
        async with self._next:
            await self._wait_while(lambda: self._come_lately(LATELY_SECONDS) >= MANY, BURST_WAIT_SECONDS)
            await self._wait_while(lambda: self._taking > 0, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(APART_SECONDS)

    async def _wait_while(self, holds: Callable[[], bool], most_seconds: float) -> None:
        longest = time.monotonic() + most_seconds
        while holds() and time.monotonic() < longest:  # noqa: ASYNC110 (looked at, so that it may take long)
            await asyncio.sleep(LOOK_SECONDS)
