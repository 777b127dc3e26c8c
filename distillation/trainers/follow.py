"""Watch a job until it ends; whoever stops watching stops nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from distillation.trainers.port import Event, Job, Trainer, TrainerSilent

POLL_SECONDS = 4.0
_FIRST_SHARE = 1 / 16
SILENT_SECONDS = 15 * 60.0
"""How long a trainer may be out of reach before watching it is given up."""


async def follow(
    trainer: Trainer,
    job_id: str,
    on_event: Callable[[Event], None],
    on_change: Callable[[Job], Awaitable[None]],
    *,
    poll_seconds: float = POLL_SECONDS,
    silent_seconds: float = SILENT_SECONDS,
) -> Job:
    """Return the job once it has ended.

    Args:
        on_event: is told everything that the trainer tells, each once, from the job's beginning.
        on_change: is told the job at first sight and whenever its state has changed.
        poll_seconds: the longest time between two looks; while there is news, it is looked at much more often.

    Raises:
        TrainerRefused: there is no such job, or it may not be looked at.
        TrainerSilent: the trainer was out of reach for too long; the job may go on.
    """
    seen: frozenset[str] = frozenset()
    before: Job | None = None
    heard, wait = time.monotonic(), poll_seconds * _FIRST_SHARE
    while True:
        try:
            # Looked at first: what is told after it includes what ended it.
            job = await trainer.look(job_id)
            new = await trainer.events(job_id, seen)
            heard = time.monotonic()
        except TrainerSilent:
            if time.monotonic() - heard > silent_seconds:
                raise
            await asyncio.sleep(poll_seconds)
            continue
        for event in new:
            on_event(event)
        seen |= {event.id for event in new}
        if before is None or before.state is not job.state:
            await on_change(job)
        if job.state.has_ended:
            return job
        before = job
        wait = poll_seconds * _FIRST_SHARE if new else min(2 * wait, poll_seconds)
        await asyncio.sleep(wait)
