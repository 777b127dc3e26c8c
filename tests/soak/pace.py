"""Deliver events at a fixed pace, whatever the answers take, and time each answer; connections that say nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from tests.api.line_shop import WEBHOOK
from tests.faults.processes import until
from tests.soak.inside import share
from tests.soak.load import mostly_line
from tests.soak.part import Run
from tests.soak.promises import Figure
from tests.soak.writing import Event, Writing, words_of

P99_SECONDS, WORST_SECONDS = 0.2, 1.0
ASKED = f"{P99_SECONDS * 1000:.0f} ms, {WORST_SECONDS * 1000:,.0f} ms"
WARMING = 50
REST_SECONDS = 120.0
OF_A_PATIENT = 2
AGAIN_SECONDS = 1.0
"""After what time an event comes again, doubled each time, and a connection that was closed stands there again."""


@dataclass
class Paced:
    """What became of the events."""

    times: list[float] = field(default_factory=list)
    odd: int = 0
    """How many were not acknowledged at the first delivery, and came again as LINE lets them."""

    def figure(self, promise: str, what: str) -> Figure:
        """Return how soon they were acknowledged, held against P4."""
        p99, worst = share(self.times, 0.99), max(self.times)
        told = f"{p99 * 1000:.0f} ms, {worst * 1000:.0f} ms; {self.odd} not acknowledged at once"
        holds = p99 <= P99_SECONDS and worst <= WORST_SECONDS and self.odd == 0
        return Figure(promise, f"{what}: p99, max", told, ASKED, holds)


async def at_pace(
    run: Run, url: str, key: str, count: int, per_second: int, rested: Callable[[], bool] = lambda: True
) -> Paced:
    """Deliver `count` events, most over LINE and some over the API, after a few that open connections and warm caches.

    The pace is kept, whatever the answers take.

    Args:
        rested: whether what the warming has set going has come to its end; the pace begins when it has.
    """
    ways, paced, token = mostly_line(key), Paced(), f"{time.monotonic_ns():x}"
    async with httpx2.AsyncClient(base_url=url, limits=httpx2.Limits(max_connections=None)) as client:

        async def deliver(number: int) -> None:
            way = ways[number % len(ways)]
            event = way.event(f"{token}e{number}", f"{token}c{number // OF_A_PATIENT}", words_of(number))
            began = time.perf_counter()
            taken = await _delivered(client, way, event, repeated=False)
            paced.times.append(time.perf_counter() - began)
            paced.odd += not taken
            wait = AGAIN_SECONDS
            while not taken:
                await asyncio.sleep(wait)
                taken = await _delivered(client, way, event, repeated=True)
                wait *= 2

        for number in range(WARMING):
            await deliver(-number - OF_A_PATIENT)
        await asyncio.to_thread(until, "an end of what was warmed up with", rested, REST_SECONDS, every=0.2)
        paced.times, paced.odd, started = [], 0, time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
                group.create_task(deliver(number))
                run.progress.update(run.bar, completed=number + 1, total=count)
    return paced


async def _delivered(client: httpx2.AsyncClient, way: Writing, event: Event, *, repeated: bool) -> bool:
    """Say whether the event was acknowledged as long as its sender waits."""
    path, request = way.post([event], repeated=repeated)
    with suppress(httpx2.HTTPError):
        return (await client.post(path, timeout=way.patience_seconds, **request)).status_code == way.taken
    return False


@asynccontextmanager
async def idle_crowd(url: str, count: int) -> AsyncIterator[None]:
    """Keep `count` connections of strangers open: half say nothing, half begin a webhook's body and fall silent."""
    parts = urlsplit(url)
    host, port = str(parts.hostname), int(parts.port or 80)
    begun = f"POST {WEBHOOK} HTTP/1.1\r\nHost: {host}\r\nX-Line-Signature: {'A' * 44}\r\nContent-Length: 900\r\n\r\n{{"
    crowd = [asyncio.create_task(_stand(host, port, begun.encode() if n % 2 else b"")) for n in range(count)]
    try:
        await asyncio.sleep(AGAIN_SECONDS)
        yield
    finally:
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def _stand(host: str, port: int, words: bytes) -> None:
    """Stand there; whenever the server closes the connection, stand there again."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(words)
                while await reader.read(4096):
                    pass
            finally:
                writer.close()
        await asyncio.sleep(AGAIN_SECONDS)
