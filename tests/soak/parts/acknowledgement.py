"""Fifty events a second while every model hangs: how soon each is acknowledged."""

import asyncio
import time
from collections.abc import Iterator

import httpx2

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import hang
from tests.faults.processes import Kakari
from tests.soak.inside import share
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

PER_SECOND = 50
SECONDS = 120
P99_SECONDS, WORST_SECONDS = 0.2, 1.0


def measure(run: Run) -> Iterator[Figure]:
    """Write at a fixed pace, whatever the answers take."""
    count = run.scaled(PER_SECOND * SECONDS, PER_SECOND)
    with OpenAIFake() as provider:
        provider.script.fail(hang(), times=None)
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k"}
        with Kakari(run.folder / "home", variables) as server:
            server.ready()
            times, odd = asyncio.run(_write(server.url, server.key(), count, run))
    p99, worst = share(times, 0.99), max(times)
    yield Figure(
        "P4", f"{count:,} events at {PER_SECOND}/s, models hung: p99, max",
        f"{p99 * 1000:.0f} ms, {worst * 1000:.0f} ms; {odd} not acknowledged at once", "200 ms, 1,000 ms",
        p99 <= P99_SECONDS and worst <= WORST_SECONDS and odd == 0,
    )  # fmt: skip


async def _write(url: str, key: str, count: int, run: Run) -> tuple[list[float], int]:
    times: list[float] = []
    odd = 0
    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:

        async def write(number: int) -> None:
            nonlocal odd
            began = time.perf_counter()
            body = {"conversation_id": f"c{number // 2}", "text": "葛根湯は食前ですか"}
            answer = await client.post("/v1/messages", json=body)
            times.append(time.perf_counter() - began)
            odd += answer.status_code != 202

        for number in range(PER_SECOND):  # the first calls open connections and warm caches
            await write(-number - 2)
        times.clear()
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.perf_counter()))
                group.create_task(write(number))
                run.progress.update(run.bar, completed=number + 1, total=count)
    return times, odd


PART = Part("acknowledge 50 events a second while every model hangs", ("P4",), 3, measure)
