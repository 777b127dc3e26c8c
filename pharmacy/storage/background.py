"""End a task that runs beside others, even when it does not hear the first time."""

import asyncio
import logging
from typing import Any

AGAIN_SECONDS = 2.0

log = logging.getLogger(__name__)


async def end(*tasks: asyncio.Task[Any], again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel tasks and return when the last has ended; what one of them then raises is logged.

    A cancel can be lost: before Python 3.12 `asyncio.wait_for` drops one that comes in the same turn of the loop as
    its result, and the listener of the job engine then waits for ever. So whoever has not ended is told again.

    Args:
        again_seconds: how long each has for ending in good order before it is told again.
    """
    left = {task for task in tasks if not task.done()}  # of those that are, whoever watches them has said so
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=again_seconds)
        for task in ended:
            if not task.cancelled() and (error := task.exception()):
                log.error("task_failed name=%s", task.get_name(), exc_info=error)
