"""The job `alarm`, and the watch over cases that nobody has acknowledged in time."""

import asyncio
import logging
from dataclasses import dataclass
from uuid import UUID

from pharmacy.channels.alarms import Alarm
from pharmacy.storage import alarms, case_decisions, pharmacies
from pharmacy.storage.alarms import Telling
from pharmacy.storage.jobs import Job, Later
from pharmacy.storage.refusals import StoreBusy
from server.program import Program

WATCH_SECONDS = 2.0
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0

log = logging.getLogger(__name__)


def log_emergency(conversation_id: str, version: int) -> None:
    """Say it as an error, so that whatever watches the log wakes somebody; ids only, and never before it is stored."""
    log.error("emergency_handed_over conversation=%s version=%d", conversation_id, version)


@dataclass(frozen=True)
class AlarmJobs:
    """What a worker does for alarms."""

    program: Program

    async def alarm(self, job: Job) -> None:
        """Tell one alarm to everybody who is to hear of it; what was told once is not told again.

        Raises:
            Later: somebody has not heard of it yet.
        """
        pharmacy_id, alarm_id = _names(job)
        database, channel = self.program.database, self.program.alarms
        telling = await database.transact(lambda tx: alarms.claim(tx, pharmacy_id, alarm_id), pharmacy_id)
        if telling is None:
            return
        if channel.reaches_nobody:
            log.error("alarm_reaches_nobody tier=%s category=%s", telling.tier, telling.category)
        told = await channel.tell(self._alarm(telling), telling.heard)
        # It stays queued: an address that is set later still hears of it, and until then it counts as undelivered.
        nowhere = ("reaches nobody: no address is set",) if channel.reaches_nobody else ()
        problem = "; ".join((*told.problems, *nowhere)) or None
        await database.transact(lambda tx: alarms.note(tx, telling, told.heard, problem), pharmacy_id)
        log.info("alarm_told tier=%s level=%d addresses=%d", telling.tier, telling.level, len(told.heard))
        if problem is not None:
            if not channel.reaches_nobody:  # which is said above: one error for each attempt
                log.error("alarm_not_told tier=%s attempts=%d problem=%s", telling.tier, telling.attempts, problem)
            raise Later(min(FIRST_WAIT_SECONDS * 2 ** min(telling.attempts - 1, 10), LONGEST_WAIT_SECONDS))

    async def give_up(self, job: Job, why: str) -> None:
        """Park an alarm that cannot be told at all."""
        pharmacy_id, alarm_id = _names(job)
        await self.program.database.transact(lambda tx: alarms.park(tx, pharmacy_id, alarm_id, why), pharmacy_id)
        log.error("alarm_given_up reason=%s", why)

    def _alarm(self, telling: Telling) -> Alarm:
        console = self.program.settings.console_url
        handover_id = str(telling.handover_id) if telling.handover_id else None
        return Alarm(
            str(telling.id), telling.kind, telling.pharmacy_id, telling.conversation_id, handover_id, telling.tier,
            telling.category, telling.level, int(telling.age_seconds), f"{console}/" if console else None,
        )  # fmt: skip


async def call_late_cases(program: Program) -> int:
    """Alarm again, and wider, for every case that nobody has acknowledged in time; return how many there were."""
    served = await pharmacies.served(program.database)
    return sum([await _call_late(program, pharmacy_id) for pharmacy_id in served])


async def watch_cases(program: Program) -> None:
    """Look for late cases as long as the worker runs; a busy store is asked again."""
    while True:
        try:
            if called := await call_late_cases(program):
                log.warning("cases_called_again cases=%d", called)
        except StoreBusy as error:
            log.warning("watch_put_off reason=%s", error)
        except Exception:
            log.exception("watch_failed")
        await asyncio.sleep(WATCH_SECONDS)


async def _call_late(program: Program, pharmacy_id: str) -> int:
    try:
        async with program.database.begin(pharmacy_id) as tx:
            late = await case_decisions.late(tx, pharmacy_id)
    except Exception:
        log.exception("watch_failed pharmacy=%s", pharmacy_id)
        return 0
    return sum([await _call_again(program, pharmacy_id, handover_id) for handover_id in late])


async def _call_again(program: Program, pharmacy_id: str, handover_id: UUID) -> bool:
    try:
        async with program.database.begin(pharmacy_id) as tx:
            return await case_decisions.call_again(tx, program.bell, pharmacy_id, handover_id)
    except StoreBusy as error:
        log.warning("watch_put_off handover=%s reason=%s", handover_id, error)
    except Exception:
        # A case that cannot be called again, whatever the reason, must not silence all others.
        log.exception("watch_failed pharmacy=%s handover=%s", pharmacy_id, handover_id)
    return False


def _names(job: Job) -> tuple[str, UUID]:
    return str(job.arguments["pharmacy_id"]), UUID(str(job.arguments["alarm_id"]))
