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
    rules = retention.load(program.settings.retention_file)
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        await _once(program, rules)
        await asyncio.sleep(EVERY_SECONDS)


async def _once(program: Program, rules: tuple[retention.Rule, ...]) -> None:
    try:
        async with program.database.begin() as tx:
            served = await pharmacies.every(tx)
        for pharmacy_id in served:
            if done := await retention.keep(program.database, pharmacy_id, rules):
                log.info("rows_too_old pharmacy=%s done=%s", pharmacy_id, dict(done))
    except StoreBusy as error:
        log.warning("retention_put_off reason=%s", error)
    except Exception:
        # The next hour begins anew; what was done stays done.
        log.exception("retention_failed")
