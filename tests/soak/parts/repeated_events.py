"""A thousand events, each delivered one to five times, shuffled and ten at once: one message each."""

import asyncio
from collections.abc import Iterator

from tests.api.shop import Shop
from tests.fakes.openai_server import OpenAIFake
from tests.faults.rules import everyday
from tests.soak.inside import answered, inside
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

EVENTS, AT_ONCE = 1_000, 10
COUNTS = """
SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM messages WHERE author = 'patient'),
       (SELECT count(*) FROM runs)
"""


def measure(run: Run) -> Iterator[Figure]:
    """Deliver, wait until all is answered, and count rows and runs."""
    events = run.scaled(EVENTS, 20)
    inbox, messages, runs = asyncio.run(_deliver(run, events))
    yield Figure(
        "P3", "rows and runs for events delivered 1 to 5 times", f"{messages:,} rows, {runs:,} runs of {events:,}",
        "as many rows, at most as many runs", (inbox, messages) == (events, events) and runs <= events,
    )  # fmt: skip


async def _deliver(run: Run, events: int) -> tuple[int, int, int]:
    draw = run.draw("deliveries")
    deliveries = [number for number in range(events) for _ in range(draw.randint(1, 5))]
    draw.shuffle(deliveries)
    with OpenAIFake() as provider:
        provider.script.rule = everyday
        async with inside(run.folder, provider) as shop:
            turn, done = asyncio.Semaphore(AT_ONCE), 0

            async def deliver(number: int) -> None:
                nonlocal done
                async with turn:
                    await _until_taken(shop, number)
                done += 1
                run.progress.update(run.bar, completed=done, total=len(deliveries))

            await asyncio.gather(*(deliver(number) for number in deliveries))
            await shop.until(lambda: answered(shop), 600)
            return tuple((await shop.rows(COUNTS))[0])  # type: ignore[return-value]


async def _until_taken(shop: Shop, number: int) -> None:
    body = {"conversation_id": f"c{number // 3}", "message_id": f"e{number}", "text": f"葛根湯は食前ですか {number}"}
    await shop.until(lambda: _taken(shop, body), 60)


async def _taken(shop: Shop, body: dict[str, str]) -> bool:
    return (await shop.post("/v1/messages", body)).status_code == 202


PART = Part("deliver each of a thousand events up to five times", ("P3",), 3, measure)
