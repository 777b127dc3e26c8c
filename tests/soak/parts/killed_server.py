"""Kill server, worker and PostgreSQL at random moments under load, and count what was lost, doubled or stale."""

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from tests.faults.postgres import Postgres
from tests.soak.counting import COUNTED
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure
from tests.soak.scene import scene

EVENTS, KILLS = 10_000, 200
KNOWN = 2_000
"""Patients who are answered automatically, each a few times an hour at most."""

TOGETHER = ("server", "worker"), ("server",), ("worker",), ("server", "worker", "postgres"), ("postgres", "server")
KILLS_PER_ROUND = sum(len(victims) for victims in TOGETHER) / len(TOGETHER)
WAYS = ("postmaster", "child", "immediate")
"""How PostgreSQL goes: SIGKILL of the postmaster, of one of its children, or an immediate stop."""


def measure(run: Run) -> Iterator[Figure]:
    """Kill until the number is full, then let everything drain and count."""
    kills, events = run.scaled(KILLS, 6), run.scaled(EVENTS, 120)
    rounds = math.ceil(kills / KILLS_PER_ROUND)
    with scene(run, latency_seconds=0.3, known=run.scaled(KNOWN, 40)) as here:
        for number in run.rounds(rounds):
            here.trouble_line()
            here.load.write(number * events // rounds, -(-events // rounds), over_seconds=2.0)
            _strike(run, here.pharmacy, number)
            here.remember()
        here.drain()
        killed = run.kept["killed"]
        of_postgres = sum(killed.get(way, 0) for way in WAYS)
        yield from here.counted(f"{sum(killed.values())} SIGKILLs, {of_postgres} of them PostgreSQL's")


def _strike(run: Run, pharmacy: Pharmacy, number: int) -> None:
    """Kill some of the processes, each at its own moment, and start them again."""
    draw = run.draw("strike", number)
    victims = TOGETHER[number % len(TOGETHER)]
    killed = run.kept.setdefault("killed", {})
    for victim in draw.sample(victims, len(victims)):
        time.sleep(draw.uniform(0, 1.5))
        how = draw.choice(WAYS) if victim == "postgres" else victim
        _kill(pharmacy, how, draw.random())
        killed[how] = killed.get(how, 0) + 1
    if "worker" in victims:
        pharmacy.worker.start()
    if "server" in victims:
        pharmacy.server.start()
    pharmacy.server.ready()


def _kill(pharmacy: Pharmacy, how: str, place: float) -> None:
    if how == "child":
        _kill_child(pharmacy.postgres, place)
    elif how == "immediate":
        pharmacy.postgres.stop_immediately()
    else:
        pharmacy.kill("postgres" if how == "postmaster" else how)


def _kill_child(postgres: Postgres, place: float) -> None:
    """SIGKILL one child; the postmaster ends the others, and recovers as after a crash."""
    if children := postgres.children():
        with suppress(ProcessLookupError):
            os.kill(children[int(place * len(children))], signal.SIGKILL)


PART = Part("SIGKILL server, worker and PostgreSQL at random moments under load", COUNTED, 20, measure)
