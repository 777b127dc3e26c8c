"""Kill server, worker and PostgreSQL at random moments under load, and count what was lost, doubled or stale."""

import math
import time
from collections.abc import Iterator

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import until
from tests.faults.rules import everyday
from tests.soak.counting import counted
from tests.soak.load import Load
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

EVENTS, KILLS = 10_000, 200
TOGETHER = ("server", "worker"), ("server",), ("worker",), ("server", "worker", "postgres"), ("postgres", "server")
KILLS_PER_ROUND = sum(len(victims) for victims in TOGETHER) / len(TOGETHER)


def measure(run: Run) -> Iterator[Figure]:
    """Kill until the number is full, then let everything drain and count."""
    kills, events = run.scaled(KILLS, 6), run.scaled(EVENTS, 120)
    with OpenAIFake(latency_seconds=0.3) as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver)
        try:
            run.kept["key"] = pharmacy.up(run.kept.get("key"))
            with Load(pharmacy.server.url, run.kept["key"], run.draw("load"), deliveries=2) as load:
                load.recall(run.kept, receiver)
                rounds = math.ceil(kills / KILLS_PER_ROUND)
                for number in run.rounds(rounds):
                    load.write(number * events // rounds, -(-events // rounds), over_seconds=2.0)
                    _strike(run, pharmacy, number)
                    load.remember(run.kept, receiver)
                until("every event acknowledged", load.all_acked, 120, every=0.5)
                until("everything drained", pharmacy.quiet, 600, every=1)
            killed = run.kept["killed"]
            said = f"{sum(killed.values())} SIGKILLs, {killed.get('postgres', 0)} of them PostgreSQL's"
            yield from counted(pharmacy.postgres.rows_when_up, load.acked, receiver, said)
        finally:
            pharmacy.down()


def _strike(run: Run, pharmacy: Pharmacy, number: int) -> None:
    """Kill some of the processes, each at its own moment, and start them again."""
    draw = run.draw("strike", number)
    victims = TOGETHER[number % len(TOGETHER)]
    killed = run.kept.setdefault("killed", {})
    for victim in draw.sample(victims, len(victims)):
        time.sleep(draw.uniform(0, 1.5))
        pharmacy.kill(victim)
        killed[victim] = killed.get(victim, 0) + 1
    if "worker" in victims:
        pharmacy.worker.start()
    if "server" in victims:
        pharmacy.server.start()
    pharmacy.server.ready()


PART = Part("SIGKILL server, worker and PostgreSQL at random moments under load", ("P1", "P2", "P3", "P5"), 20, measure)
