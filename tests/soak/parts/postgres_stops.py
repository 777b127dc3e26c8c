"""Stop PostgreSQL hard at random points under load, as `pg_ctl stop -m immediate` does, and count what was lost."""

import time
from collections.abc import Iterator

from tests.faults.postgres import Postgres
from tests.faults.processes import until
from tests.soak.counting import COUNTED
from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.scene import scene

EVENTS, STOPS = 10_000, 1_000


def measure(run: Run) -> Iterator[Figure]:
    """Stop, wait for the supervisor to bring it back, stop again; then let everything drain and count."""
    stops, events = run.scaled(STOPS, 5), run.scaled(EVENTS, 50)
    with scene(run, latency_seconds=0.1) as here:
        for number in run.rounds(stops):
            here.trouble_line()
            here.load.write(number * events // stops, -(-events // stops), over_seconds=1.0)
            time.sleep(run.draw("stop", number).uniform(0, 0.6))
            _stop(here.pharmacy.postgres)
            here.remember()
        here.drain()
        yield from here.counted(f"{stops} immediate stops of PostgreSQL")


def _stop(postgres: Postgres) -> None:
    """Stop it, and return when it answers again."""
    before = postgres.pid
    postgres.stop_immediately()
    until("a new postmaster", lambda: postgres.pid not in (0, before), 60, every=0.02)
    postgres.rows_when_up("SELECT 1")


PART = Part("stop PostgreSQL hard a thousand times under load", COUNTED, 20, measure)
