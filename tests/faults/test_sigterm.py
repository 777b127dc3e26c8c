"""SIGTERM under load: the process ends within seconds, gives back what it has in hand, and nothing is lost."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import AT_WORK, Kakari, until
from tests.faults.rules import everyday

MESSAGES = 20
WAITING = 5
STREAMS = 10
ASKED_SECONDS = 10.0
NOT_YET = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"


def _one(url: str, query: str) -> Any:
    with psycopg.connect(libpq(read_address(url))) as connection:
        return (connection.execute(query).fetchone() or (None,))[0]


def _load(client: httpx2.Client) -> list[threading.Thread]:
    """Take messages, some of them with callers that wait for the outcome; models hang, so that all of it is in hand."""
    for number in range(MESSAGES):
        body = {"conversation_id": f"c{number}", "text": "葛根湯は食前ですか"}
        assert client.post("/v1/messages", json=body).status_code == 202

    def wait(number: int) -> None:
        with suppress(httpx2.HTTPError):
            client.post("/v1/messages?wait=60", json={"conversation_id": f"w{number}", "text": "葛根湯は食前ですか"})

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(WAITING)]
    for thread in threads:
        thread.start()
    return threads


def _listen(client: httpx2.Client, ended_well: list[int]) -> list[threading.Thread]:
    """Open event streams, and note those that come to a proper end."""
    opened = threading.Semaphore(0)

    def listen(number: int) -> None:
        with client.stream("GET", "/v1/events") as answer:
            for line in answer.iter_lines():
                if line == "event: changed":
                    opened.release()
        ended_well.append(number)

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(STREAMS)]
    for thread in threads:
        thread.start()
    assert all(opened.acquire(timeout=30) for _ in threads)
    return threads


def _end(process: Kakari) -> float:
    """Return how many seconds the process lived on after SIGTERM."""
    assert process.process is not None
    begun = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(30) == 0
    return time.monotonic() - begun


@pytest.mark.parametrize("ended", ["serve", "worker"])
def test_a_process_told_to_end_under_load_ends_in_time_and_loses_nothing(
    database_url: str, tmp_path: Path, ended: str, figure: Callable[..., None]
) -> None:
    with OpenAIFake(latency_seconds=60) as provider:
        provider.script.rule = everyday
        variables = {"DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
                     "KAKARI_SETTLE_SECONDS": "0"}  # fmt: skip
        serve = Kakari(tmp_path / "home", variables)
        worker = Kakari(tmp_path / "worker", variables, ("worker",))
        with serve:
            serve.ready()
            if ended == "worker":
                worker.start()
                until("a second worker", lambda: _one(database_url, AT_WORK) >= 2, 60)
            with serve.client() as client:
                threads, ended_well = _load(client), list[int]()
                if ended == "serve":
                    threads += _listen(client, ended_well)
                doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
                until("jobs in hand", lambda: _one(database_url, doing) >= MESSAGES, 30)
                mine = "SELECT array_agg(DISTINCT worker_id) FROM procrastinate_jobs WHERE status = 'doing'"
                before = _one(database_url, mine)

                seconds = _end(worker if ended == "worker" else serve)

                if ended == "serve":
                    assert _one(database_url, doing) == 0
                    assert _one(database_url, "SELECT count(*) FROM procrastinate_workers") == 0
                else:
                    assert len(before) > 1, "the second worker had nothing in hand"
                    serve.kill()
                for thread in threads:
                    thread.join()
                assert len(ended_well) == (STREAMS if ended == "serve" else 0)
        taken = _one(database_url, "SELECT count(*) FROM messages WHERE author = 'patient'")
        provider.world.latency_seconds = 0
        with serve:
            serve.ready()
            until("an outcome for every message", lambda: _one(database_url, NOT_YET) == 0, 120)
        answered = _one(database_url, "SELECT count(DISTINCT conversation_id) FROM outcomes")

    assert taken >= MESSAGES
    figure("P1", f"seconds that `{ended}` lives on after SIGTERM under load", measured=f"{seconds:.1f} s",
           asked="at most 10 s", holds=seconds <= ASKED_SECONDS)  # fmt: skip
    figure("P1", f"messages lost by ending `{ended}`", measured=f"{taken - answered} of {taken}", asked="0",
           holds=taken == answered)  # fmt: skip
