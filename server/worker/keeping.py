"""Hold to the retention rules, hour by hour, while a worker runs."""

import asyncio
import logging

from pharmacy.storage import pharmacies, retention
from pharmacy.storage.refusals import StoreBusy
from server.program import Program

FIRST_SECONDS = 60.0
EVERY_SECONDS = 3600.0

log = logging.getLogger(__name__)


async def keep_times(program: Program) -> None:
    """Delete, blank and erase what is too old, once an hour; two workers that do it at once do it once."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        await keep_once(program)
        await asyncio.sleep(EVERY_SECONDS)


async def keep_once(program: Program) -> None:
    """Do it now for every pharmacy; what fails is logged, and tried again the next hour."""
    try:
        served = await pharmacies.served(program.database)
    except Exception:
        log.exception("retention_failed")
        return
    for pharmacy_id in served:
        await _keep(program, pharmacy_id)


async def _keep(program: Program, pharmacy_id: str) -> None:
    try:
        if done := await retention.keep(program.database, pharmacy_id, program.retention_rules):
            log.info("rows_too_old pharmacy=%s done=%s", pharmacy_id, dict(done))
    except StoreBusy as error:
        log.warning("retention_put_off pharmacy=%s reason=%s", pharmacy_id, error)
    except Exception:
        # One pharmacy's trouble is not the others'; the next hour begins anew, and what was done stays done.
        log.exception("retention_failed pharmacy=%s", pharmacy_id)
