"""The job queue: work that must happen after a commit, in order per lock, on whichever worker is free."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, cast

from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job as EngineJob
from procrastinate.retry import BaseRetryStrategy
from psycopg import AsyncConnection as PsycopgConnection
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.address import libpq, with_options
from pharmacy.storage.database import tells_busy
from pharmacy.storage.job_claims import LONGEST_WAIT_SECONDS, Claims, Return
from pharmacy.storage.refusals import StoreBusy

BUSY_WAIT_SECONDS = 0.5
# A queue fills and empties faster than the planner's statistics follow: misled, it sorts all waiting jobs to fetch one,
# where an index has them in order.
ENGINE = "-c enable_sort=off -c enable_bitmapscan=off"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One start of a task, as the task sees it."""

    id: int
    lock: str
    arguments: Mapping[str, Any]
    attempt: int
    """1 for the first start; starts that the database or a shutdown cut short do not count."""


@dataclass(frozen=True)
class Wanted:
    """One job to be made."""

    lock: str
    arguments: Mapping[str, Any]


class Later(Exception):
    """Raised by a task whose time has not come: the job waits in its place, and the start does not count."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.1f} s")
        self.seconds = seconds


class Again(Exception):
    """Raised by a task that others have kept from its end: it counts as a start that failed, and is no bug."""


Task = Callable[[Job], Awaitable[None]]
GiveUp = Callable[[Job, str], Awaitable[None]]


async def _each_by_itself(connection: PsycopgConnection[Any]) -> None:
    # Whatever the engine asks is one statement: a transaction of its own, without saying so before and after.
    await connection.set_autocommit(True)


class Jobs:
    """The queue of one database. Enqueueing needs no opening; working does."""

    def __init__(self, app_url: URL) -> None:
        self._app = App(
            connector=PsycopgConnector(
                conninfo=libpq(with_options(app_url, ENGINE)),
                configure=_each_by_itself,
                min_size=2,
                max_size=8,
                timeout=2.0,
                reconnect_timeout=1.0,
            )
        )
        self.claims = Claims(self._app.connector)
        self._app.job_manager = self.claims
        self._open = AsyncExitStack()

    @property
    def app(self) -> App:
        """The engine's app, for its workers."""
        return self._app

    async def __aenter__(self) -> Self:
        """Open this process's connections for working on jobs."""
        await self._open.enter_async_context(self._app.open_async())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._open.aclose()

    async def enqueue(
        self,
        connection: AsyncConnection,
        task: str,
        lock: str,
        arguments: Mapping[str, Any],
        *,
        queue: str | None = None,
        schedule_in: float | None = None,
        priority: int = 0,
    ) -> int:
        """Return the id of a job that exists once the caller's transaction is committed.

        Args:
            connection: the caller's, in its transaction.
            task: the name it is registered under.
            lock: jobs of one lock run one at a time, in order: `reply:ID`, `send:ID`.
            arguments: what JSON can hold; ids only, never a patient's words.
            queue: the queue's name; the task's own name when left out.
            schedule_in: seconds until it may start, at most 900.
            priority: higher ones are started first.

        Raises:
            StoreBusy: the database could not take it in time; the caller's transaction is to be given up.
        """
        if schedule_in is not None and not 0 <= schedule_in <= LONGEST_WAIT_SECONDS:
            raise ValueError(f"schedule_in={schedule_in!r}: 0 to {LONGEST_WAIT_SECONDS:g} seconds are expected")
        when = {"seconds": schedule_in} if schedule_in else None
        job = self._app.configure_task(task, queue=queue or task, priority=priority, schedule_in=when).job
        (made,) = await self._defer(connection, [job.evolve(lock=lock, task_kwargs=dict(arguments))])
        return made

    async def enqueue_all(self, connection: AsyncConnection, task: str, wanted: Sequence[Wanted]) -> None:
        """Have jobs that exist once the caller's transaction is committed, all of one task.

        Raises:
            StoreBusy: as `enqueue`.
        """
        if wanted:
            job = self._app.configure_task(task, queue=task).job
            await self._defer(
                connection, [job.evolve(lock=each.lock, task_kwargs=dict(each.arguments)) for each in wanted]
            )

    async def _defer(self, connection: AsyncConnection, jobs: Sequence[EngineJob]) -> list[int]:
        raw = (await connection.get_raw_connection()).driver_connection
        try:
            made = await self._app.job_manager.batch_defer_jobs_async([*jobs], connection=raw)
        except ConnectorException as error:
            # The engine wraps what the caller's own statements would have raised plainly.
            if tells_busy(error.__cause__):
                raise StoreBusy(" ".join(str(error.__cause__).split())) from error
            raise
        return [cast(int, job.id) for job in made]

    def register(self, name: str, task: Task, give_up: GiveUp, *, attempts: int = 3, wait_seconds: float = 1.0) -> None:
        """Say what a worker of this process does for jobs named `name`.

        Args:
            name: the task's name, and its queue's.
            task: does the work; must be harmless when done twice.
            give_up: called instead of one more start after `attempts` starts that failed, or that their worker did
                not survive, with the reason. The job ends when it returns; it is called again when it raises.
            attempts: how many starts a job has.
            wait_seconds: before the second start; doubled for each one after.
        """

        async def run(context: JobContext, /, **arguments: Any) -> None:
            job = Job(context.job.id or 0, context.job.lock or "", arguments, context.job.attempts + 1)
            await self._start(context, job, task, give_up, attempts, wait_seconds)

        self._app.task(name=name, queue=name, pass_context=True, retry=_IfReturned(self.claims))(run)

    async def _start(
        self, context: JobContext, job: Job, task: Task, give_up: GiveUp, attempts: int, wait_seconds: float
    ) -> None:
        try:
            if job.attempt > attempts:
                await give_up(job, f"{attempts} starts without an end")
            else:
                await task(job)
        except asyncio.CancelledError:
            if context.abort_reason() is AbortReason.USER_REQUEST:
                raise JobAborted from None
            self.claims.returns[job.id] = Return(0, counted=False)
            raise
        except StoreBusy:
            self.claims.returns[job.id] = Return(BUSY_WAIT_SECONDS, counted=False)
            raise
        except Later as later:
            self.claims.returns[job.id] = Return(later.seconds, counted=False)
            raise
        except Again as again:
            log.info("job_put_off lock=%s attempt=%d reason=%s", job.lock, job.attempt, again)
            await self._after_failure(job, again, give_up, attempts, wait_seconds)
        except Exception as error:
            log.exception("job_failed lock=%s attempt=%d", job.lock, job.attempt)
            await self._after_failure(job, error, give_up, attempts, wait_seconds)

    async def _after_failure(
        self, job: Job, error: Exception, give_up: GiveUp, attempts: int, wait_seconds: float
    ) -> None:
        back = Return(wait_seconds * 2 ** (job.attempt - 1), counted=True)
        if job.attempt >= attempts:
            back = Return(30, counted=True)
            if job.attempt == attempts:
                try:
                    return await give_up(job, type(error).__name__)
                except Exception:
                    log.exception("job_not_given_up lock=%s", job.lock)
        self.claims.returns[job.id] = back
        raise error


class _IfReturned(BaseRetryStrategy):
    """Retry what `_start` has marked as going back, and nothing else."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    def get_retry_decision(self, *, exception: BaseException, job: EngineJob) -> RetryDecision | None:  # noqa: ARG002
        return RetryDecision(retry_at=None) if cast(int, job.id) in self._claims.returns else None
