"""Two real worker processes on one database: they share, keep a lock's order, and take over from the dead."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from pharmacy.storage.database import Database
from pharmacy.storage.jobs import Jobs

pytestmark = pytest.mark.timed

PROGRAM = Path(__file__).with_name("a_worker.py")
ROOT = Path(__file__).parents[3]
Start = Callable[[float], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start(owner: psycopg.Connection[Any], database_url: str) -> AsyncIterator[Start]:
    """Return a function that starts a worker whose jobs take the given seconds."""
    owner.execute(
        "CREATE TABLE marks (id bigserial, job bigint, lock text, event text, pid int, attempt int,"
        " at timestamptz DEFAULT clock_timestamp())"
    )
    started: list[asyncio.subprocess.Process] = []

    async def start_one(seconds: float) -> asyncio.subprocess.Process:
        command = (sys.executable, str(PROGRAM), database_url, str(seconds))
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        started.append(process)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
        return process

    yield start_one
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def enqueue(database: Database, *locks: str, **arguments: Any) -> None:
    jobs = Jobs(database.app_url)
    async with database.begin_without_pharmacy() as connection:
        for lock in locks:
            await jobs.enqueue(connection, "reply", lock, arguments)


async def marks(database: Database, event: str) -> list[Any]:
    async with database.begin_without_pharmacy() as connection:
        return [
            *await connection.execute(text("SELECT * FROM marks WHERE event = :event ORDER BY id"), {"event": event})
        ]


async def until_marked(database: Database, event: str, count: int, seconds: float = 20) -> list[Any]:
    async with asyncio.timeout(seconds):
        while True:
            await asyncio.sleep(0.02)
            if len(found := await marks(database, event)) >= count:
                return found


async def test_two_workers_share_the_work(database: Database, start: Start) -> None:
    await asyncio.gather(start(0.3), start(0.3))

    await enqueue(database, *(f"reply:{number}" for number in range(16)))

    done = await until_marked(database, "end", 16)
    assert len({mark.pid for mark in done}) == 2
    assert len({mark.job for mark in done}) == 16


async def test_jobs_of_one_lock_run_in_order_and_never_at_once(database: Database, start: Start) -> None:
    await asyncio.gather(start(0.05), start(0.05))

    await enqueue(database, *["reply:one", "reply:two"] * 8)

    done = await until_marked(database, "end", 16)
    begun = {mark.job: mark.at for mark in await marks(database, "begin")}
    for lock in ("reply:one", "reply:two"):
        mine = [mark for mark in done if mark.lock == lock]
        assert [mark.job for mark in mine] == sorted(mark.job for mark in mine)
        assert all(earlier.at <= begun[later.job] for earlier, later in pairwise(mine))


async def test_jobs_of_a_killed_worker_are_taken_over_within_six_seconds(
    database: Database, start: Start, record_property: Callable[[str, object], None]
) -> None:
    doomed = await start(60)
    await enqueue(database, *(f"reply:{number}" for number in range(8)))
    await until_marked(database, "begin", 8)
    await start(0.5)

    doomed.send_signal(signal.SIGKILL)
    killed = time.monotonic()

    done = await until_marked(database, "end", 8)
    took = time.monotonic() - killed
    record_property("takeover_seconds", round(took, 1))
    sys.stdout.write(f"8 jobs of a killed worker done again after {took:.1f} s\n")
    assert took <= 6 + 0.5
    assert {mark.pid for mark in done}.isdisjoint({doomed.pid})
    assert {mark.attempt for mark in done} == {2}


async def test_a_stopped_worker_gives_its_jobs_back_at_once_and_uncounted(database: Database, start: Start) -> None:
    leaving = await start(60)
    await enqueue(database, "reply:one")
    await until_marked(database, "begin", 1)

    leaving.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(leaving.wait(), 10) == 0
    await start(0)

    done = await until_marked(database, "end", 1)
    assert done[0].attempt == 1


async def test_a_job_that_kills_its_worker_is_given_up_after_three_starts(database: Database, start: Start) -> None:
    await enqueue(database, "reply:deadly", deadly=True)

    for _ in range(3):
        assert await asyncio.wait_for((await start(0)).wait(), 20) == -signal.SIGKILL
    await start(0)

    await until_marked(database, "given up", 1)
    assert len(await marks(database, "begin")) == 3


async def test_a_frozen_worker_cannot_finish_what_another_has_taken(database: Database, start: Start) -> None:
    frozen = await start(1)
    await enqueue(database, "reply:one")
    await until_marked(database, "begin", 1)
    frozen.send_signal(signal.SIGSTOP)
    await start(5)
    await until_marked(database, "begin", 2)

    frozen.send_signal(signal.SIGCONT)
    await until_marked(database, "end", 1)
    await asyncio.sleep(0.5)

    async with database.begin_without_pharmacy() as connection:
        held = (await connection.execute(text("SELECT status::text FROM procrastinate_jobs"))).scalars().all()
    assert held == ["doing"]
    assert len(await until_marked(database, "end", 2)) == 2


async def test_a_frozen_worker_works_again_once_it_goes_on(database: Database, start: Start) -> None:
    frozen = await start(0)
    frozen.send_signal(signal.SIGSTOP)
    await start(0)
    await asyncio.sleep(5)

    frozen.send_signal(signal.SIGCONT)
    await asyncio.sleep(2)
    await enqueue(database, *(f"reply:{number}" for number in range(40)))

    done = await until_marked(database, "end", 40)
    assert frozen.pid in {mark.pid for mark in done}
