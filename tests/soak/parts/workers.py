"""Messages per second for 1, 2 and 4 workers on one PostgreSQL, with models as slow as real ones; order is kept."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.faults.postgres import Postgres
from tests.faults.processes import AT_WORK, Kakari, until
from tests.faults.rules import everyday
from tests.faults.taking import take_all
from tests.faults.test_two_workers import OVERLAPS
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

CONVERSATIONS, EACH = 600, 2
LATENCY_SECONDS = 1.2
"""What a mini or full model takes for a short answer, more or less."""

AT_ONCE = 16
"""How many messages one worker has in work: a small worker shows whether a second one helps."""

TEAMS = (1, 2, 4)
UNANSWERED = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
ANSWERED = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NOT NULL"
DISORDER = """
SELECT count(*) FROM messages a JOIN messages b
  ON a.pharmacy_id = b.pharmacy_id AND a.conversation_id = b.conversation_id
  AND a.seq < b.seq AND a.version >= b.version
WHERE a.author = 'patient' AND b.author = 'patient'
"""


def measure(run: Run) -> Iterator[Figure]:
    """Take all messages first, then let the workers at them."""
    rates: dict[str, float] = run.kept.setdefault("rates", {})
    disorder = 0
    for step in run.rounds(len(TEAMS)):
        rates[str(TEAMS[step])], wrong = _rate(run.folder, TEAMS[step], run.scaled(CONVERSATIONS, 10))
        disorder += wrong
    told = ", ".join(f"{rates[str(workers)]:.1f}" for workers in TEAMS)
    yield Figure(
        "P3", "runs out of order or at once in one conversation, 1, 2 and 4 workers on one PostgreSQL",
        f"{disorder}; {told} messages/s, {AT_ONCE} in work at once each", "0", disorder == 0,
    )  # fmt: skip


def _rate(parent: Path, workers: int, conversations: int) -> tuple[float, int]:
    folder = parent / f"with-{workers}"
    server = EmbeddedServer(folder / "home")
    server.join()
    try:
        asyncio.run(take_all(server.url, folder / "intake", conversations, EACH))
        return _work(folder / "home", server.url, workers)
    finally:
        server.leave()


def _work(home: Path, url: str, workers: int) -> tuple[float, int]:
    postgres = Postgres(home)
    with OpenAIFake(latency_seconds=LATENCY_SECONDS) as provider:
        provider.script.rule = everyday
        variables = {
            "DATABASE_URL": url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
            "KAKARI_SETTLE_SECONDS": "0", "KAKARI_CONCURRENCY": str(AT_ONCE),
        }  # fmt: skip
        team = [Kakari(home.parent / f"worker{number}", variables, ("worker",)).start() for number in range(workers)]
        try:
            until("every worker", lambda: postgres.rows(AT_WORK)[0][0] >= workers, 60)
            first, began = postgres.rows(ANSWERED)[0][0], time.monotonic()
            until("every outcome", lambda: postgres.rows(UNANSWERED)[0][0] == 0, 900, every=0.1)
            rate = (postgres.rows(ANSWERED)[0][0] - first) / (time.monotonic() - began)
        finally:
            for worker in team:
                worker.stop()
    return rate, postgres.rows(OVERLAPS)[0][0] + postgres.rows(DISORDER)[0][0]


PART = Part("measure 1, 2 and 4 workers on one PostgreSQL", ("P3",), 8, measure)
