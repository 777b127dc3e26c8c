"""A thousand events in five seconds: how soon each is acknowledged, and how long until all are answered."""

import asyncio
import time
from collections.abc import Iterator

from tests.faults.processes import until
from tests.soak.counting import WAITING
from tests.soak.pace import at_pace
from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.scene import scene

EVENTS, PER_SECOND = 1_000, 200
LATENCY_SECONDS = 1.2
DRAIN_SECONDS = 300.0


def measure(run: Run) -> Iterator[Figure]:
    """Write at once, and wait for the last answer."""
    events = run.scaled(EVENTS, 20)
    with scene(run, latency_seconds=LATENCY_SECONDS) as here:

        def answered() -> bool:
            return bool(here.pharmacy.postgres.rows(WAITING)[0][0] == 0)

        paced = asyncio.run(at_pace(run, here.load.url, here.load.key, events, PER_SECOND, here.pharmacy.quiet))
        began = time.monotonic() - events / PER_SECOND
        until("every outcome", answered, 4 * DRAIN_SECONDS, every=0.5)
        seconds = time.monotonic() - began
    said = f"{events:,} events at {PER_SECOND}/s"
    yield Figure("P4", f"{said}: not acknowledged at once", f"{paced.odd} of {events:,}", "0", paced.odd == 0)
    yield paced.figure("P4", said)
    yield Figure("P4", f"{said}: from the first to the last outcome", f"{seconds:.0f} s", f"{DRAIN_SECONDS:.0f} s",
                 seconds <= DRAIN_SECONDS)  # fmt: skip


PART = Part("take a thousand events in five seconds, and drain", ("P4",), 6, measure)
