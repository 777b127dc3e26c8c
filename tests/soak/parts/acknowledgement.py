"""Fifty events a second while every model hangs: how soon each is acknowledged, alone and beside idle connections."""

import asyncio
from collections.abc import Iterator

from tests.fakes.line_server import LineFake
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import hang
from tests.faults.processes import Kakari
from tests.soak.pace import Paced, at_pace, idle_crowd
from tests.soak.part import Part, Run
from tests.soak.pharmacy import line_variables
from tests.soak.promises import Figure

PER_SECOND = 50
SECONDS = 120
IDLE = 200


def measure(run: Run) -> Iterator[Figure]:
    """Write at a fixed pace, then once more with strangers standing in the door."""
    count = run.scaled(PER_SECOND * SECONDS, PER_SECOND)
    with OpenAIFake() as provider, LineFake() as line:
        provider.script.fail(hang(), times=None)
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k"} | line_variables(line)
        with Kakari(run.folder / "home", variables) as server:
            server.ready()
            alone, beside = asyncio.run(_both(run, server.url, server.key(), count))
    said = f"{count:,} events at {PER_SECOND}/s, models hung"
    yield alone.figure("P4", said)
    yield beside.figure("P13", f"{said}, beside {IDLE} idle connections")


async def _both(run: Run, url: str, key: str, count: int) -> tuple[Paced, Paced]:
    alone = await at_pace(run, url, key, count, PER_SECOND)
    async with idle_crowd(url, IDLE):
        return alone, await at_pace(run, url, key, count, PER_SECOND)


PART = Part("acknowledge 50 events a second while every model hangs, 200 idle connections beside", ("P4", "P13"), 6,
            measure)  # fmt: skip
