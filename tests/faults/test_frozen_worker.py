"""A worker that stands still is stood in for, and what it does when it goes on again changes nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import AT_WORK, Kakari, until
from tests.faults.rules import everyday
from tests.faults.test_two_workers import write


def test_what_a_frozen_worker_writes_after_another_took_over_is_refused(
    database_url: str, tmp_path: Path, figure: Callable[..., None]
) -> None:
    frozen_for = freeze_and_count(database_url, tmp_path, least_seconds=5)

    with psycopg.connect(libpq(read_address(database_url))) as owner:
        outcomes = owner.execute("SELECT count(*), count(DISTINCT conversation_id) FROM outcomes").fetchone()
        states = {row[0] for row in owner.execute("SELECT state FROM runs").fetchall()}
    assert "proposed" in states
    figure(
        "P2", f"outcomes beyond one per message, a worker frozen for {frozen_for:.0f} s",
        measured=f"{outcomes[0] - outcomes[1]} of {outcomes[1]}", asked="0", holds=outcomes == (3, 3),
    )  # fmt: skip


def freeze_and_count(database_url: str, home: Path, least_seconds: float) -> float:
    """Freeze a worker inside its model calls until another has done its work; return for how long it stood still."""
    with OpenAIFake(latency_seconds=1.0) as slow, OpenAIFake() as fast, Receiver("s" * 32) as receiver:
        slow.script.rule = fast.script.rule = everyday
        first = _worker(1, slow, database_url, home, receiver).start()
        until("a worker", lambda: _one(database_url, AT_WORK) >= 1, 60)
        write(database_url, home, conversations=3, each=1)
        until("calls in work", lambda: len(slow.log.chats()) >= 3, 20)
        with _worker(2, fast, database_url, home, receiver):
            first.freeze()
            frozen = time.monotonic()
            until("every outcome", lambda: _one(database_url, WAITING) == 0, 60)
            time.sleep(max(0.0, least_seconds - (time.monotonic() - frozen)))
            first.thaw()
            stood = time.monotonic() - frozen
            until("the frozen runs ended", lambda: _one(database_url, RUNNING) == 0, 30)
            time.sleep(2)  # what it still meant to write, it has written by now
        first.stop()
    return stood


WAITING = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
RUNNING = "SELECT count(*) FROM runs WHERE state = 'running'"


def _worker(number: int, provider: OpenAIFake, database_url: str, home: Path, receiver: Receiver) -> Kakari:
    variables = {
        "DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
        "KAKARI_SETTLE_SECONDS": "0", "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": receiver.secret,
    }  # fmt: skip
    return Kakari(home / f"worker{number}", variables, ("worker",))


def _one(database_url: str, query: str) -> int:
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        (found,) = connection.execute(query).fetchone() or (0,)  # type: ignore[call-overload]
        return int(found)
