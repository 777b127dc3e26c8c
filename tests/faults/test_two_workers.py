"""Two workers on one database share the work, never overlap on a conversation, and stand in for each other."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import hang
from tests.faults.processes import AT_WORK, Kakari, until
from tests.faults.rules import everyday
from tests.faults.taking import take_all

TAKE_OVER_SECONDS = 6.0


@pytest.fixture
def providers() -> Iterator[tuple[OpenAIFake, OpenAIFake]]:
    """Return one provider per worker, so that its log says what that worker did."""
    with OpenAIFake(latency_seconds=0.2) as first, OpenAIFake(latency_seconds=0.2) as second:
        for provider in (first, second):
            provider.script.rule = everyday
        yield first, second


def _worker(number: int, provider: OpenAIFake, database_url: str, home: Path) -> Kakari:
    variables = {
        "DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
        "KAKARI_SETTLE_SECONDS": "0", "KAKARI_CONCURRENCY": "4",
    }  # fmt: skip
    return Kakari(home / f"worker{number}", variables, ("worker",))


def test_two_workers_share_the_work_and_keep_each_conversation_in_order(
    database_url: str, tmp_path: Path, providers: tuple[OpenAIFake, OpenAIFake]
) -> None:
    with _worker(1, providers[0], database_url, tmp_path), _worker(2, providers[1], database_url, tmp_path):
        until("two workers", lambda: _one(database_url, AT_WORK) >= 2, 60)
        write(database_url, tmp_path, conversations=12, each=4)
        until(
            "every outcome",
            lambda: _one(database_url, "SELECT count(*) FROM messages WHERE outcome_id IS NULL") == 0,
            60,
        )

    shares = [len(provider.log.chats()) for provider in providers]
    assert min(shares) > 0
    assert _one(database_url, OVERLAPS) == 0


def test_a_killed_workers_jobs_go_on_within_six_seconds(
    database_url: str, tmp_path: Path, providers: tuple[OpenAIFake, OpenAIFake]
) -> None:
    providers[0].script.fail(hang(), times=None)
    first = _worker(1, providers[0], database_url, tmp_path).start()
    until("a worker", lambda: _one(database_url, AT_WORK) >= 1, 60)
    write(database_url, tmp_path, conversations=3, each=1)
    until("calls that hang", lambda: len(providers[0].log.chats()) >= 3, 20)
    with _worker(2, providers[1], database_url, tmp_path):
        until("the second worker", lambda: _one(database_url, AT_WORK) >= 2, 60)

        first.kill()
        killed = time.monotonic()
        until("the second worker's first call", providers[1].log.chats, TAKE_OVER_SECONDS + 5)
        taken_over = time.monotonic() - killed

        until(
            "every outcome",
            lambda: _one(database_url, "SELECT count(*) FROM messages WHERE outcome_id IS NULL") == 0,
            30,
        )
    assert taken_over <= TAKE_OVER_SECONDS
    assert _one(database_url, "SELECT count(*) FROM outcomes") == 3


OVERLAPS = """
SELECT count(*) FROM runs AS a JOIN runs AS b
  ON a.conversation_id = b.conversation_id AND a.fence < b.fence AND a.state = 'proposed' AND b.state = 'proposed'
WHERE b.started_at < a.finished_at
"""


def _one(database_url: str, query: str) -> int:
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        (found,) = connection.execute(query).fetchone() or (0,)
        return int(found)


def write(database_url: str, home: Path, *, conversations: int, each: int) -> None:
    """Take messages through a program that has no worker of its own; in a thread, beside the session's own loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, take_all(database_url, home / "intake", conversations, each)).result()
