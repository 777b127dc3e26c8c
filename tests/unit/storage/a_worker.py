"""A worker process of its own: marks in the database when each job begins and ends."""

import asyncio
import os
import signal
import sys

from sqlalchemy import text

from pharmacy.settings import Settings
from pharmacy.storage.database import open_database
from pharmacy.storage.job_worker import work
from pharmacy.storage.jobs import Job, Jobs

MARK = text("INSERT INTO marks (job, lock, event, pid, attempt) VALUES (:job, :lock, :event, :pid, :attempt)")


async def main(url: str, seconds: float) -> None:
    """Work on the queue `reply` until told to stop; each job takes `seconds`."""
    database = await open_database(Settings(database_url=url, pool_size=5))

    async def mark(job: Job, event: str) -> None:
        values = {"job": job.id, "lock": job.lock, "event": event, "pid": os.getpid(), "attempt": job.attempt}
        async with database.begin_without_pharmacy() as connection:
            await connection.execute(MARK, values)

    async def reply(job: Job) -> None:
        await mark(job, "begin")
        if job.arguments.get("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(seconds)
        await mark(job, "end")

    async def give_up(job: Job, reason: str) -> None:
        await mark(job, "given up")

    async with Jobs(database.app_url) as jobs:
        jobs.register("reply", reply, give_up)
        working = asyncio.create_task(work(jobs, {"reply": 8}, grace_seconds=0.5))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.wait([working])
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
