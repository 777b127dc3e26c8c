"""The worker that `kakari serve` runs beside its HTTP."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from pharmacy.storage.background import end
from server.program import Program
from server.worker.run import run_worker

log = logging.getLogger(__name__)


@asynccontextmanager
async def worker_beside(program: Program) -> AsyncIterator[Callable[[], None]]:
    """Work on jobs while the body runs; when the database is the embedded one, keep it up too.

    What the body is given ends the work in good order, without waiting for it.
    """
    worker = asyncio.create_task(run_worker(program), name="worker")
    tasks = [worker]
    if program.database.server is not None:
        tasks.append(asyncio.create_task(program.database.server.supervise(), name="supervise"))
    for task in tasks:
        task.add_done_callback(_report)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        program.stops = True
        # Once: a second one would cut short the seconds that the jobs in hand are given.
        stopped = stopped or worker.cancel()

    try:
        yield stop
    finally:
        stop()
        with suppress(asyncio.CancelledError, Exception):
            await worker
        await end(*tasks[1:])  # after the worker, which needs its database to the last


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log.error("task_died name=%s; the process ends, to be started anew", task.get_name(), exc_info=task.exception())
        # Going on would take messages that nobody answers; nothing is lost by starting again.
        signal.raise_signal(signal.SIGTERM)
