"""Stop PostgreSQL hard at random points under load, as `pg_ctl stop -m immediate` does, and count what was lost."""

import time
from collections.abc import Iterator

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.postgres import Postgres
from tests.faults.processes import until
from tests.faults.rules import everyday
from tests.soak.counting import counted
from tests.soak.load import Load
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

EVENTS, STOPS = 10_000, 1_000


def measure(run: Run) -> Iterator[Figure]:
    """Stop, wait for the supervisor to bring it back, stop again; then let everything drain and count."""
    stops, events = run.scaled(STOPS, 5), run.scaled(EVENTS, 50)
    with OpenAIFake(latency_seconds=0.1) as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver)
        try:
            run.kept["key"] = pharmacy.up(run.kept.get("key"))
            with Load(pharmacy.server.url, run.kept["key"], run.draw("load"), deliveries=2) as load:
                load.recall(run.kept, receiver)
                for number in run.rounds(stops):
                    load.write(number * events // stops, -(-events // stops), over_seconds=1.0)
                    time.sleep(run.draw("stop", number).uniform(0, 0.6))
                    _stop(pharmacy.postgres)
                    load.remember(run.kept, receiver)
                until("every event acknowledged", load.all_acked, 120, every=0.5)
                until("everything drained", pharmacy.quiet, 600, every=1)
            yield from counted(
                pharmacy.postgres.rows_when_up, load.acked, receiver, f"{stops} immediate stops of PostgreSQL"
            )
        finally:
            pharmacy.down()


def _stop(postgres: Postgres) -> None:
    """Stop it, and return when it answers again."""
    before = postgres.pid
    postgres.stop_immediately()
    until("a new postmaster", lambda: postgres.pid not in (0, before), 60, every=0.02)
    postgres.rows_when_up("SELECT 1")


PART = Part("stop PostgreSQL hard a thousand times under load", ("P1", "P2", "P3", "P5"), 20, measure)
