"""A worker inside the test's own process, stopped whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pharmacy.storage.background import end
from pharmacy.storage.job_worker import work
from pharmacy.storage.jobs import Jobs


@asynccontextmanager
async def at_work(jobs: Jobs, **concurrency: int) -> AsyncIterator[None]:
    """Work on the queues for as long as the block lasts; jobs still in hand have half a second to end."""
    working = asyncio.create_task(work(jobs, concurrency, grace_seconds=0.5))
    try:
        yield
    finally:
        await end(working, again_seconds=10)
