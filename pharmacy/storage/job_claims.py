"""Who has a job in hand: only the worker that claimed it may finish it or give it back."""

import datetime
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from procrastinate import jobs as engine_jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager, NotificationCallback

from pharmacy.storage.job_rate import JobRate

log = logging.getLogger(__name__)

DELETE = """
DELETE FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'doing' AND worker_id = %(worker_id)s RETURNING id
"""
FINISH = """
UPDATE procrastinate_jobs
SET status = %(status)s::procrastinate_job_status, attempts = attempts + 1, abort_requested = false
WHERE id = %(job_id)s AND status = 'doing' AND worker_id = %(worker_id)s RETURNING id
"""
GIVE_BACK = """
UPDATE procrastinate_jobs
SET status = 'todo', attempts = attempts + %(counted)s, abort_requested = false, worker_id = NULL,
    scheduled_at = now() + make_interval(secs => %(wait_seconds)s)
WHERE id = %(job_id)s AND status = 'doing' AND worker_id = %(worker_id)s RETURNING id
"""
GIVE_BACK_ALL = """
UPDATE procrastinate_jobs SET status = 'todo', abort_requested = false, worker_id = NULL
WHERE status = 'doing' AND worker_id = %(worker_id)s RETURNING id
"""
IN_HAND = "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(%(workers)s::bigint[])"
GIVE_BACK_THESE = """
UPDATE procrastinate_jobs SET status = 'todo', abort_requested = false, worker_id = NULL
WHERE status = 'doing' AND worker_id = ANY(%(workers)s::bigint[]) AND id = ANY(%(ids)s::bigint[]) RETURNING id
"""
BEAT = "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = ANY(%(workers)s::bigint[]) RETURNING id"
HEARTBEATS = "SELECT id, last_heartbeat::text AS beat FROM procrastinate_workers"
# The heartbeat is compared once more: a worker that came back to life in between keeps its jobs. A job without a
# worker lost it in the same way; its key was emptied when the worker's row was deleted.
RETAKE = """
WITH dead AS (
    DELETE FROM procrastinate_workers AS worker
    USING unnest(%(ids)s::bigint[], %(beats)s::text[]) AS seen (id, beat)
    WHERE worker.id = seen.id AND worker.last_heartbeat::text = seen.beat RETURNING worker.id
)
UPDATE procrastinate_jobs
SET status = 'todo', attempts = attempts + 1, abort_requested = false, worker_id = NULL, scheduled_at = NULL
WHERE status = 'doing' AND (worker_id IS NULL OR worker_id IN (SELECT id FROM dead)) RETURNING id
"""
# No job waits longer than this; one that seems to was scheduled before the clock was set back.
LONGEST_WAIT_SECONDS = 900.0
UNFREEZE = """
UPDATE procrastinate_jobs SET scheduled_at = NULL
WHERE status = 'todo' AND scheduled_at > now() + make_interval(secs => %(seconds)s) RETURNING id
"""
PRUNE = """
DELETE FROM procrastinate_jobs AS job
WHERE status NOT IN ('todo', 'doing')
  AND NOT EXISTS (
      SELECT FROM procrastinate_events WHERE job_id = job.id AND at > now() - make_interval(days => %(days)s)
  )
RETURNING id
"""


@dataclass(frozen=True)
class Return:
    """How a job goes back to the queue."""

    wait_seconds: float
    counted: bool
    """Whether this start counts against the job's attempts: not when the database or a shutdown was the reason."""


@dataclass
class Claims(JobManager):
    """The engine's manager, with each change of a job bound to the worker that has it in hand."""

    connector: Any
    returns: dict[int, Return] = field(default_factory=dict)
    """Jobs on their way back, by id."""

    unsettled: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Changes that an outage held up, by job."""

    workers: set[int] = field(default_factory=set)
    """The workers of this process."""

    in_hand: dict[int, int] = field(default_factory=dict)
    """Job to worker: what this process has claimed and not settled."""

    rate: JobRate = field(default_factory=JobRate)
    """How fast jobs are made of the queues that this process works on."""

    _forgotten: set[int] = field(default_factory=set)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Pass on what is told of jobs, and note those that are new."""

        async def heard(*, channel: str, notification: engine_jobs.Notification) -> None:
            if notification["type"] == "job_inserted":
                for queue in queues or ():
                    self.rate.announced(queue)
            await on_notification(channel=channel, notification=notification)

        await super().listen_for_jobs(on_notification=heard, queues=queues)

    async def register_worker(self) -> int:
        """Return the id of a new worker of this process."""
        worker_id = await super().register_worker()
        self.workers.add(worker_id)
        return worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        """Forget a worker of this process; whatever it still has in hand goes back, uncounted."""
        await self.settle()
        await self.connector.execute_query_all_async(GIVE_BACK_ALL, worker_id=worker_id)
        await super().unregister_worker(worker_id)
        self.workers.discard(worker_id)
        self.in_hand = {job: worker for job, worker in self.in_hand.items() if worker != worker_id}

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> engine_jobs.Job | None:
        """Return the next job, claimed for the worker, or None."""
        job = await super().fetch_job(queues, worker_id)
        if job is not None and job.id is not None:
            self.in_hand[job.id] = worker_id
        return job

    async def finish_job(self, job: engine_jobs.Job, status: engine_jobs.Status, delete_job: bool) -> None:
        """Finish `job`; does nothing when another worker has it by now."""
        query = DELETE if delete_job else FINISH
        arguments: dict[str, Any] = {"job_id": job.id, "worker_id": job.worker_id}
        await self._change(query, job, arguments if delete_job else arguments | {"status": status.value})

    async def retry_job(
        self,
        job: engine_jobs.Job,
        retry_at: datetime.datetime | None = None,  # noqa: ARG002 (the database's clock decides)
        priority: int | None = None,  # noqa: ARG002
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Give `job` back to the queue; does nothing when another worker has it by now."""
        back = self.returns.pop(job.id or 0, Return(0, counted=True))
        arguments = {"job_id": job.id, "worker_id": job.worker_id}
        wait = min(back.wait_seconds, LONGEST_WAIT_SECONDS)
        await self._change(GIVE_BACK, job, arguments | {"counted": int(back.counted), "wait_seconds": wait})

    async def beat(self, workers: list[int]) -> None:
        """Say that these workers of this process live."""
        if workers:
            await self.connector.execute_query_all_async(BEAT, workers=workers)

    async def heartbeats(self) -> dict[int, str]:
        """Return each worker's newest sign of life."""
        rows = await self.connector.execute_query_all_async(HEARTBEATS)
        return {row["id"]: row["beat"] for row in rows}

    async def retake(self, dead: dict[int, str]) -> int:
        """Return how many jobs were taken from workers whose heartbeat still is the one given, and from lost ones."""
        rows = await self.connector.execute_query_all_async(RETAKE, ids=[*dead], beats=[*dead.values()])
        return len(rows)

    async def tidy(self, days: int) -> None:
        """Forget unfinished business older than `days`, and free jobs that a clock set back would hold up."""
        await self.connector.execute_query_all_async(PRUNE, days=days)
        await self.connector.execute_query_all_async(UNFREEZE, seconds=LONGEST_WAIT_SECONDS + 60)

    async def settle(self) -> None:
        """Make the changes that an outage held up."""
        for job_id, (query, arguments) in [*self.unsettled.items()]:
            with suppress(ConnectorException):
                await self.connector.execute_query_all_async(query, **arguments)
                self.unsettled.pop(job_id, None)
                self._put_down(job_id, arguments["worker_id"])

    async def give_back_forgotten(self) -> int:
        """Return how many jobs were given back that this process's workers hold by the books and not in fact.

        A job counts when it is found so twice, a second apart. Left alone it would block its lock for good: its
        worker lives, so nobody else takes it over.
        """
        workers = [*self.workers]
        rows = await self.connector.execute_query_all_async(IN_HAND, workers=workers)
        now = {row["id"] for row in rows} - self.in_hand.keys()
        twice, self._forgotten = [*(now & self._forgotten)], now
        if not twice:
            return 0
        log.warning("jobs_forgotten jobs=%r", twice)
        return len(await self.connector.execute_query_all_async(GIVE_BACK_THESE, workers=workers, ids=twice))

    async def _change(self, query: str, job: engine_jobs.Job, arguments: dict[str, Any]) -> None:
        job_id = job.id or 0
        try:
            changed = await self.connector.execute_query_all_async(query, **arguments)
        except ConnectorException:
            self.unsettled[job_id] = (query, arguments)
            return
        self._put_down(job_id, job.worker_id)
        if not changed:
            log.warning("job_lost task=%s job=%s worker=%s", job.task_name, job.id, job.worker_id)

    def _put_down(self, job_id: int, worker_id: int | None) -> None:
        if self.in_hand.get(job_id) == worker_id:  # else another worker of this process has claimed it since
            self.in_hand.pop(job_id, None)
