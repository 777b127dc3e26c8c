"""What each process looks after beside its work: a restored database, the audit trail, its own pulse."""

import asyncio
import logging
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pharmacy.storage import audit_verify, pharmacies
from pharmacy.storage.audit_verify import Head
from pharmacy.storage.background import end
from pharmacy.storage.refusals import StoreBusy
from server import metrics
from server.program import Program
from server.restoring import hold_if_restored, note_heads

BEAT_SECONDS = 2.0
VERIFY_SECONDS = 300.0
VERIFY_ALL_SECONDS = 86_400.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def watch_beside(program: Program) -> AsyncIterator[None]:
    """Hold what a restored database cannot vouch for, then watch while the body runs."""
    await hold_if_restored(program)
    tasks = [asyncio.create_task(watch(program), name=watch.__name__) for watch in (_beat, _verify_often)]
    try:
        yield
    finally:
        await end(*tasks)
        with suppress(OSError):
            beat_file(program.settings.home).unlink()
        with suppress(StoreBusy, OSError):
            await note_heads(program)


def beat_file(home: Path) -> Path:
    """Return what this process touches while it is well: `deploy/alive.py` looks at its age.

    Each container has its own name, and within it each process its number.
    """
    return home / f"worker-{socket.gethostname()}-{os.getpid()}.beat"


async def verify(program: Program, since: dict[str, Head]) -> dict[str, Head]:
    """Walk every pharmacy's trail on from `since`, count what does not hold, and return where each walk ended."""
    reached, broken = {}, 0
    for pharmacy_id in await pharmacies.served(program.database):
        async with program.database.begin(pharmacy_id) as tx:
            verdict = await audit_verify.verify(tx, pharmacy_id, since=since.get(pharmacy_id))
        reached[pharmacy_id] = verdict.head
        if verdict.broken is not None:
            broken += 1
            log.error("audit_broken pharmacy=%s row=%d says=%r", pharmacy_id, verdict.broken.seq, verdict.broken.says)
    metrics.AUDIT_BROKEN.set(broken)
    metrics.AUDIT_VERIFIED.set(time.time())
    return reached


async def _beat(program: Program) -> None:
    home = program.settings.home
    while True:
        try:
            await asyncio.to_thread(beat_file(home).touch)
            metrics.DISK_FREE.set(shutil.disk_usage(home).free)
            await note_heads(program)
        except (StoreBusy, OSError) as error:
            log.debug("beat_missed reason=%s", error)
        except Exception:
            # Nobody watches this task or the other: each must outlive a bug.
            log.exception("beat_failed")
        await asyncio.sleep(BEAT_SECONDS)


async def _verify_often(program: Program) -> None:
    """Walk on every few minutes, and from the first row once a day: what was changed long ago is found too."""
    reached: dict[str, Head] = {}
    begun = time.monotonic()
    while True:
        try:
            if time.monotonic() - begun > VERIFY_ALL_SECONDS:
                reached, begun = {}, time.monotonic()
            reached = await verify(program, reached)
        except StoreBusy as error:
            log.warning("audit_not_verified reason=%s", error)
        except Exception:
            log.exception("audit_not_verified")
        await asyncio.sleep(VERIFY_SECONDS)
