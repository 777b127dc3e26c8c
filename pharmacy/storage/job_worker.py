"""One process's share in the work: runs jobs, and takes over those of workers that died."""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from pharmacy.storage.background import end
from pharmacy.storage.job_claims import Claims
from pharmacy.storage.jobs import Jobs

HEARTBEAT_SECONDS = 1.0
DEAD_AFTER_SECONDS = 3.0
POLL_SECONDS = 0.2
SELDOM_POLL_SECONDS = 1.0
GRACE_SECONDS = 4.0
LEFT_SECONDS = 0.1
GIVING_BACK_SECONDS = 4.0
TIDY_SECONDS = 30.0
KEEP_DAYS = 7
NEVER_SECONDS = 10.0 * 365 * 86_400

log = logging.getLogger(__name__)


@dataclass
class Undertaker:
    """Finds workers whose heartbeat stands still, by this process's own clock: a changed time of day kills nobody."""

    claims: Claims
    seen: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Worker to its newest heartbeat and when that was first seen."""

    looked_at: float = 0.0

    async def retake_stalled(self) -> int:
        """Return how many jobs of dead workers were given back. To be called every second."""
        beats, now = await self.claims.heartbeats(), time.monotonic()
        # Nobody's heart could be heard while the database was away, or this process stood still.
        before = self.seen if now - self.looked_at < 2 * HEARTBEAT_SECONDS else {}
        self.looked_at = now
        self.seen = {
            worker: before[worker] if worker in before and before[worker][0] == beat else (beat, now)
            for worker, beat in beats.items()
        }
        dead = {worker: beat for worker, (beat, since) in self.seen.items() if now - since >= DEAD_AFTER_SECONDS}
        retaken = await self.claims.retake(dead)
        if dead or retaken:
            log.warning("jobs_retaken jobs=%d dead_workers=%d", retaken, len(dead))
        return retaken


async def work(
    jobs: Jobs,
    concurrency: Mapping[str, int],
    grace_seconds: float = GRACE_SECONDS,
    left_at_once: Collection[str] = (),
    seldom: Collection[str] = (),
) -> None:
    """Work on the queues until cancelled, over any outage of the database.

    When cancelled it starts nothing more, waits `grace_seconds` for the jobs in hand, then gives the rest back.

    Args:
        jobs: opened, with its tasks registered.
        concurrency: queue to how many of its jobs run at once.
        left_at_once: queues whose jobs in hand are given back without waiting for them.
        seldom: queues whose jobs may begin up to a second after their time; new ones begin at once all the same.
    """
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    hearts = dict[str, Worker]()
    working = [asyncio.create_task(_take_over(jobs.claims), name="take over jobs"),
               asyncio.create_task(_beat(jobs.claims, hearts), name="heartbeats")]  # fmt: skip
    for queue, at_once in concurrency.items():
        grace = LEFT_SECONDS if queue in left_at_once else grace_seconds
        poll = SELDOM_POLL_SECONDS if queue in seldom else POLL_SECONDS
        on_queue = _work_on(jobs, queue, at_once, grace, poll, hearts)
        working.append(asyncio.create_task(on_queue, name=f"work on {queue}"))
    try:
        # Each goes on for ever: the first to end has met something that nobody foresaw.
        ended, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*working, again_seconds=grace_seconds + GIVING_BACK_SECONDS)
    for task in ended:
        task.result()


async def _work_on(
    jobs: Jobs, queue: str, at_once: int, grace_seconds: float, poll_seconds: float, hearts: dict[str, Worker]
) -> None:
    while not _is_cancelled():
        worker = Worker(
            app=jobs.app,
            queues=[queue],
            name=queue,
            concurrency=at_once,
            fetch_job_polling_interval=poll_seconds,
            shutdown_graceful_timeout=grace_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
            # The engine's heartbeat ends at the first failure and before the last jobs do, and it buries workers by
            # the time of day: both are done here instead.
            update_heartbeat_interval=NEVER_SECONDS,
            stalled_worker_timeout=NEVER_SECONDS,
        )
        hearts[queue] = worker
        try:
            await worker.run()  # type: ignore[no-untyped-call]
        except ConnectorException as error:
            log.warning("worker_interrupted queue=%s reason=%r", queue, str(error))
            if _is_cancelled():  # the outage hid it
                raise asyncio.CancelledError from error
        finally:
            del hearts[queue]
        await _leave_nothing(jobs.claims, worker.worker_id)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _beat(claims: Claims, hearts: Mapping[str, Worker]) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        with suppress(ConnectorException):
            await claims.beat([worker.worker_id for worker in hearts.values() if worker.worker_id is not None])


async def _leave_nothing(claims: Claims, worker_id: int | None) -> None:
    """Give back what an interrupted worker still has in hand: none of it runs any more."""
    await asyncio.sleep(POLL_SECONDS)
    while worker_id is not None:
        try:
            await claims.unregister_worker(worker_id)
            return
        except ConnectorException:
            await asyncio.sleep(POLL_SECONDS)


async def _take_over(claims: Claims) -> None:
    undertaker, tidied = Undertaker(claims), 0.0
    while not _is_cancelled():
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await claims.settle()
            await claims.give_back_forgotten()
            await undertaker.retake_stalled()
            if time.monotonic() - tidied > TIDY_SECONDS:
                await claims.tidy(KEEP_DAYS)
                tidied = time.monotonic()
        except ConnectorException as error:
            log.warning("jobs_not_watched reason=%r", str(error))
