"""Jobs over an outage of the database: none is lost, none is given up for it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from pharmacy.settings import Settings
from pharmacy.storage.address import libpq
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.jobs import Job, Jobs
from pharmacy.storage.refusals import StoreBusy
from tests.unit.storage.at_work import at_work

pytestmark = pytest.mark.timed

JOBS = 60


async def enqueue(database: Database, jobs: Jobs, count: int) -> None:
    async with database.begin_without_pharmacy() as connection:
        for number in range(count):
            await jobs.enqueue(connection, "reply", f"reply:{number}", {"number": number})


def kill(home: Path) -> None:
    with suppress(OSError, IndexError, ValueError):  # it may be dead, or half-written, from the time before
        os.kill(int((home / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


@pytest.fixture
async def supervised(home: Path) -> AsyncIterator[Database]:
    opened = await open_database(Settings(home=home, pool_size=5))
    assert opened.server is not None
    watching = asyncio.create_task(opened.server.supervise())
    yield opened
    watching.cancel()
    await opened.close()


async def test_jobs_go_on_after_the_database_was_killed_three_times(supervised: Database, home: Path) -> None:
    database = supervised
    with psycopg.connect(libpq(database.owner), autocommit=True) as owner:
        owner.execute("CREATE TABLE marks (number int, attempt int)")
    done = asyncio.Event()

    async def reply(job: Job) -> None:
        await asyncio.sleep(0.2)
        async with database.begin_without_pharmacy() as connection:
            values = {"number": job.arguments["number"], "attempt": job.attempt}
            await connection.execute(text("INSERT INTO marks VALUES (:number, :attempt)"), values)
        # Counted after the commit: two last jobs that count within theirs would each miss the other.
        async with database.begin_without_pharmacy() as connection:
            count = (await connection.execute(text("SELECT count(DISTINCT number) FROM marks"))).scalar_one()
        if count == JOBS:
            done.set()

    async def give_up(job: Job, reason: str) -> None:
        raise AssertionError(f"gave up {job} for {reason}")

    async with Jobs(database.app_url) as jobs:
        await enqueue(database, jobs, JOBS)
        jobs.register("reply", reply, give_up)
        async with at_work(jobs, reply=4):
            for _ in range(3):
                await asyncio.sleep(1)
                kill(home)
            began = time.monotonic()

            await asyncio.wait_for(done.wait(), 60)

        sys.stdout.write(f"all done {time.monotonic() - began:.1f} s after the third kill\n")
    with psycopg.connect(libpq(database.owner)) as owner:
        assert owner.execute("SELECT count(DISTINCT number) FROM marks").fetchone() == (JOBS,)
        assert owner.execute("SELECT max(attempt) FROM marks").fetchone() == (1,)


async def test_a_busy_store_costs_a_job_no_attempt(database: Database) -> None:
    starts: list[int] = []
    done = asyncio.Event()

    async def reply(job: Job) -> None:
        starts.append(job.attempt)
        if len(starts) < 5:
            raise StoreBusy("full")
        done.set()

    async def give_up(job: Job, reason: str) -> None:
        raise AssertionError(f"gave up {job} for {reason}")

    async with Jobs(database.app_url) as jobs:
        jobs.register("reply", reply, give_up)
        await enqueue(database, jobs, 1)

        async with at_work(jobs, reply=1):
            await asyncio.wait_for(done.wait(), 15)

    assert starts == [1, 1, 1, 1, 1]
