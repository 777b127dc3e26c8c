"""When a worker counts as dead, and what one process's queues do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from pharmacy.storage.address import libpq
from pharmacy.storage.background import end
from pharmacy.storage.database import Database
from pharmacy.storage.job_worker import Undertaker, work
from pharmacy.storage.jobs import Job, Jobs
from tests.unit.storage.at_work import at_work

Owner = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
async def jobs(database: Database) -> AsyncIterator[Jobs]:
    async with Jobs(database.app_url) as opened:
        yield opened


async def enqueue(database: Database, jobs: Jobs, *, task: str = "reply", lock: str = "reply:1", **options: Any) -> int:
    async with database.begin_without_pharmacy() as connection:
        return await jobs.enqueue(connection, task, lock, {"number": 1}, **options)


def claim(owner: Owner) -> None:
    owner.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    owner.execute("SELECT procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM procrastinate_workers))")


def state(owner: Owner) -> tuple[Any, ...] | None:
    return owner.execute("SELECT status::text, attempts FROM procrastinate_jobs").fetchone()


async def watch(undertaker: Undertaker, seconds: float) -> int:
    retaken = 0
    for _ in range(round(seconds / 0.5)):
        retaken += await undertaker.retake_stalled()
        await asyncio.sleep(0.5)
    return retaken


async def test_a_job_without_a_heartbeat_for_three_seconds_is_taken_back(
    database: Database, jobs: Jobs, owner: Owner
) -> None:
    await enqueue(database, jobs)
    claim(owner)
    undertaker = Undertaker(jobs.claims)

    early = await watch(undertaker, 2.5)
    late = await watch(undertaker, 1.5)

    assert (early, late) == (0, 1)
    assert state(owner) == ("todo", 1)


async def test_a_worker_nobody_could_hear_is_not_taken_for_dead(database: Database, jobs: Jobs, owner: Owner) -> None:
    await enqueue(database, jobs)
    claim(owner)
    undertaker = Undertaker(jobs.claims)
    await undertaker.retake_stalled()
    await asyncio.sleep(3.5)

    retaken = await undertaker.retake_stalled()

    assert retaken == 0
    assert state(owner) == ("doing", 0)


async def test_a_job_that_a_living_worker_holds_by_the_books_only_goes_back(
    database: Database, jobs: Jobs, owner: Owner
) -> None:
    await enqueue(database, jobs)
    worker = await jobs.claims.register_worker()
    owner.execute("SELECT procrastinate_fetch_job_v2(NULL, %s)", [worker])

    at_first = await jobs.claims.give_back_forgotten()
    a_second_later = await jobs.claims.give_back_forgotten()

    assert (at_first, a_second_later) == (0, 1)
    assert state(owner) == ("todo", 0)


async def test_a_job_in_hand_stays_in_hand(database: Database, jobs: Jobs, owner: Owner) -> None:
    await enqueue(database, jobs)
    worker = await jobs.claims.register_worker()
    await jobs.claims.fetch_job(None, worker)

    given_back = [await jobs.claims.give_back_forgotten() for _ in range(3)]

    assert given_back == [0, 0, 0]
    assert state(owner) == ("doing", 0)


@pytest.mark.parametrize("shift", ["2 hours", "-2 hours", "1 year"])
async def test_a_changed_time_of_day_kills_nobody(database: Database, jobs: Jobs, owner: Owner, shift: str) -> None:
    await enqueue(database, jobs)
    claim(owner)
    undertaker = Undertaker(jobs.claims)
    await undertaker.retake_stalled()
    owner.execute("UPDATE procrastinate_workers SET last_heartbeat = now() + %s::interval", [shift])

    retaken = await undertaker.retake_stalled()

    assert retaken == 0
    assert state(owner) == ("doing", 0)


async def test_a_job_that_a_clock_set_back_would_hold_up_is_freed(database: Database, jobs: Jobs, owner: Owner) -> None:
    await enqueue(database, jobs, schedule_in=5)
    owner.execute("UPDATE procrastinate_jobs SET scheduled_at = scheduled_at + interval '2 hours'")

    await jobs.claims.tidy(7)

    assert owner.execute("SELECT scheduled_at FROM procrastinate_jobs").fetchone() == (None,)


async def test_a_job_scheduled_in_a_second_starts_within_half_a_second_of_it(database: Database, jobs: Jobs) -> None:
    started = asyncio.Event()

    async def reply(_: Job) -> None:
        started.set()

    async def give_up(_: Job, reason: str) -> None:
        raise AssertionError(reason)

    jobs.register("reply", reply, give_up)
    async with at_work(jobs, reply=1):
        await asyncio.sleep(0.5)
        await enqueue(database, jobs, schedule_in=1)
        began = asyncio.get_running_loop().time()

        await asyncio.wait_for(started.wait(), 5)

    took = asyncio.get_running_loop().time() - began
    assert 0.8 <= took <= 2.5


async def test_a_job_of_a_rolled_back_transaction_does_not_exist(database: Database, jobs: Jobs, owner: Owner) -> None:
    async with database.engine.connect() as connection:
        await jobs.enqueue(connection, "reply", "reply:1", {"number": 1})
        await connection.rollback()

    assert state(owner) is None


async def test_a_failing_job_is_tried_three_times_and_then_given_up_with_its_reason(
    database: Database, jobs: Jobs, owner: Owner
) -> None:
    tries: list[int] = []
    given_up: asyncio.Future[tuple[Job, str]] = asyncio.get_running_loop().create_future()

    async def reply(job: Job) -> None:
        tries.append(job.attempt)
        raise LookupError("of the task's own")

    async def give_up(job: Job, reason: str) -> None:
        given_up.set_result((job, reason))

    jobs.register("reply", reply, give_up, wait_seconds=0.1)
    await enqueue(database, jobs, lock="reply:7")

    async with at_work(jobs, reply=1):
        job, reason = await asyncio.wait_for(given_up, 10)

    assert tries == [1, 2, 3]
    assert (job.lock, dict(job.arguments), reason) == ("reply:7", {"number": 1}, "LookupError")
    assert state(owner) is None


async def test_a_full_queue_holds_no_other_up(database: Database, jobs: Jobs) -> None:
    sent = asyncio.Event()

    async def reply(_: Job) -> None:
        await asyncio.sleep(60)

    async def send(_: Job) -> None:
        sent.set()

    async def give_up(_: Job, reason: str) -> None:
        raise AssertionError(reason)

    jobs.register("reply", reply, give_up)
    jobs.register("send", send, give_up)
    await enqueue(database, jobs, lock="reply:1")
    await enqueue(database, jobs, lock="reply:2")
    await enqueue(database, jobs, task="send", lock="send:1")

    async with at_work(jobs, reply=1, send=1):
        await asyncio.wait_for(sent.wait(), 5)

    assert sent.is_set()


async def test_done_jobs_leave_nothing_behind(database: Database, jobs: Jobs, owner: Owner) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()

    async def reply(job: Job) -> None:
        done.put_nowait(job.id)

    async def give_up(_: Job, reason: str) -> None:
        raise AssertionError(reason)

    jobs.register("reply", reply, give_up)
    for number in range(20):
        await enqueue(database, jobs, lock=f"reply:{number}")

    async with at_work(jobs, reply=4):
        for _ in range(20):
            await asyncio.wait_for(done.get(), 5)

    assert owner.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)
    assert owner.execute("SELECT count(*) FROM procrastinate_events").fetchone() == (0,)
    assert owner.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)


async def test_a_worker_hears_how_fast_jobs_of_its_queues_are_made(database: Database, jobs: Jobs) -> None:
    async def reply(_: Job) -> None:
        """Nothing to do."""

    async def give_up(_: Job, reason: str) -> None:
        raise AssertionError(reason)

    jobs.register("reply", reply, give_up)
    jobs.register("send", reply, give_up)
    async with at_work(jobs, reply=1), asyncio.timeout(20):
        while not jobs.claims.rate.lately("reply", 60):  # until it listens
            await enqueue(database, jobs, lock="reply:0")
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # what was made before has been told of
        before = jobs.claims.rate.lately("reply", 60)
        for number in range(1, 6):
            await enqueue(database, jobs, lock=f"reply:{number}")
            await enqueue(database, jobs, task="send", lock=f"send:{number}")
        while jobs.claims.rate.lately("reply", 60) < before + 5:  # noqa: ASYNC110 (told by the database)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)

        assert jobs.claims.rate.lately("reply", 60) == before + 5
        assert jobs.claims.rate.lately("send", 60) == 0
        assert jobs.claims.rate.lately("reply", 0.01) == 0


@pytest.mark.parametrize("seconds", [-1.0, 901.0])
async def test_a_wait_out_of_bounds_is_refused(database: Database, jobs: Jobs, seconds: float) -> None:
    with pytest.raises(ValueError, match="0 to 900 seconds"):
        await enqueue(database, jobs, schedule_in=seconds)


async def test_a_worker_ends_however_many_notices_come_while_it_is_told_to(database: Database, jobs: Jobs) -> None:
    async def reply(_: Job) -> None:
        """Nothing to do."""

    async def give_up(_: Job, reason: str) -> None:
        raise AssertionError(reason)

    jobs.register("reply", reply, give_up)
    async with noisy(database):
        for _ in range(30):
            working = asyncio.create_task(work(jobs, {f"q{n}": 2 for n in range(12)}, grace_seconds=0.5))
            await asyncio.sleep(0.05)
            working.cancel()
            _, still = await asyncio.wait([working], timeout=10)
            assert not still


@asynccontextmanager
async def noisy(database: Database) -> AsyncIterator[None]:
    """Tell every worker of new jobs, as fast as can be, while the block lasts."""
    told = """SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 1}')"""

    async def tell() -> None:
        async with await psycopg.AsyncConnection.connect(libpq(database.owner), autocommit=True) as connection:
            while True:
                await connection.execute(told)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        await end(telling)
