"""A thousand events in five seconds: how soon each is acknowledged, and how long until all are answered."""

import asyncio
import time
from collections.abc import Iterator

from tests.faults.processes import until
from tests.soak.counting import WAITING
from tests.soak.pace import at_pace
from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.scene import Scene, scene

EVENTS, SECONDS = 1_000, 5
LATENCY_SECONDS = 1.2
DRAIN_SECONDS = 300.0


def measure(run: Run) -> Iterator[Figure]:
    """Write at once, and wait for the last answer."""
    events = run.scaled(EVENTS, 20)
    with scene(run, latency_seconds=LATENCY_SECONDS) as here:
        server = here.pharmacy.server
        paced = asyncio.run(at_pace(run, server.url, here.load.key, events, EVENTS // SECONDS))
        seconds = _drained(here)
    yield paced.figure("P4", f"{events:,} events at {EVENTS // SECONDS}/s")
    yield Figure("P4", f"from the last of {events:,} events in {SECONDS} s to the last outcome", f"{seconds:.0f} s",
                 f"{DRAIN_SECONDS:.0f} s", seconds <= DRAIN_SECONDS)  # fmt: skip


def _drained(here: Scene) -> float:
    """Return the seconds until every message has its outcome."""
    began = time.monotonic()
    until("every outcome", lambda: here.pharmacy.postgres.rows(WAITING)[0][0] == 0, 4 * DRAIN_SECONDS, every=0.5)
    return time.monotonic() - began


PART = Part("take a thousand events in five seconds, and drain", ("P4",), 6, measure)
