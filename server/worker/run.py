"""Work on jobs: register the tasks, sweep up what was left without a job, and go on until told to stop."""

import asyncio
import logging

from pharmacy.channels.line.content import LineContent
from pharmacy.observing.langsmith_client import LangSmith
from pharmacy.storage import media, pharmacies, remarks, shadows, unanswered
from pharmacy.storage.background import end
from pharmacy.storage.intake import enqueue_reply
from pharmacy.storage.job_worker import work
from pharmacy.storage.open_transactions import LONG_SECONDS, watch_transactions
from pharmacy.storage.outbox_queue import URGENT
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.turns import step_back
from server.program import Program
from server.worker.alarms import AlarmJobs, watch_cases
from server.worker.keeping import keep_times
from server.worker.langsmith import ATTEMPTS as LANGSMITH_ATTEMPTS
from server.worker.langsmith import WAIT_SECONDS as LANGSMITH_WAIT_SECONDS
from server.worker.langsmith import LangSmithJobs
from server.worker.media import ATTEMPTS as MEDIA_ATTEMPTS
from server.worker.media import MediaJobs
from server.worker.reply import ReplyJobs
from server.worker.send import SendJobs
from server.worker.shadow import ATTEMPTS as SHADOW_ATTEMPTS
from server.worker.shadow import WAIT_SECONDS as SHADOW_WAIT_SECONDS
from server.worker.shadow import ShadowJobs
from server.worker.watching import watch_students

SENDS_AT_ONCE = 16
URGENT_AT_ONCE = 4
ALARMS_AT_ONCE = 4
FILES_AT_ONCE = 4
TOLD_AT_ONCE = 2
SHADOWS_AT_ONCE = 2
SWEEP_SECONDS = 60.0
BUSY_SECONDS = 1.0

log = logging.getLogger(__name__)


async def run_worker(program: Program, *, long_transaction_seconds: float = LONG_SECONDS) -> None:
    """Work on replies, sends and alarms until cancelled.

    Args:
        long_transaction_seconds: a transaction that stands open for longer is named in the log.
    """
    # A message that comes in goes first: what is stored is answered a moment later, what is not stored is lost.
    step_back()
    replies, sends = ReplyJobs(program), SendJobs(program)
    program.jobs.register("reply", replies.reply, replies.give_up)
    program.jobs.register("send", sends.send, sends.give_up)
    files = MediaJobs(program, LineContent(program.settings.line_api_base))
    program.jobs.register(media.JOB, files.fetch, files.give_up, attempts=MEDIA_ATTEMPTS)
    langsmith = LangSmith(program.settings)
    telling = LangSmithJobs(program, langsmith)
    program.jobs.register(
        remarks.JOB, telling.tell, telling.give_up, attempts=LANGSMITH_ATTEMPTS, wait_seconds=LANGSMITH_WAIT_SECONDS
    )
    beside_replies = ShadowJobs(program)
    program.jobs.register(
        shadows.JOB, beside_replies.ask, beside_replies.give_up, attempts=SHADOW_ATTEMPTS,
        wait_seconds=SHADOW_WAIT_SECONDS,
    )  # fmt: skip
    alarms = AlarmJobs(program)
    program.jobs.register("alarm", alarms.alarm, alarms.give_up)
    loops = (_sweep_often, watch_cases, watch_students, keep_times)
    beside = [asyncio.create_task(loop(program), name=loop.__name__) for loop in loops]
    # Deleted jobs keep their space while a transaction stands open.
    beside.append(asyncio.create_task(watch_transactions(program.database.owner, long_transaction_seconds)))
    at_once = {"reply": program.settings.concurrency, "send": SENDS_AT_ONCE, URGENT: URGENT_AT_ONCE,
               "alarm": ALARMS_AT_ONCE, media.JOB: FILES_AT_ONCE, remarks.JOB: TOLD_AT_ONCE,
               shadows.JOB: SHADOWS_AT_ONCE}  # fmt: skip
    program.worker_runs = True
    try:
        # No end waits for LangSmith, or for a student: their jobs are taken up again by whoever works next.
        await work(
            program.jobs,
            at_once,
            left_at_once=[remarks.JOB, shadows.JOB],
            seldom=[URGENT, "alarm", media.JOB, remarks.JOB, shadows.JOB],
        )
    finally:
        program.worker_runs = False
        langsmith.close()
        await files.content.close()
        await end(*beside)


async def sweep(program: Program) -> int:
    """Give a job to every conversation that has an unanswered message and none; return how many there were."""
    swept = 0
    for pharmacy_id in await pharmacies.served(program.database):
        async with program.database.begin(pharmacy_id) as tx:
            lost = await unanswered.without_job(tx)
            for conversation_id in lost:
                await enqueue_reply(tx, program.jobs, pharmacy_id, conversation_id)
        swept += len(lost)
    if swept:
        log.warning("swept conversations=%d", swept)
    return swept


async def _sweep_often(program: Program) -> None:
    """Sweep at once and then every minute; a busy store is asked again soon, and finds the same rows."""
    while True:
        try:
            await sweep(program)
            await asyncio.sleep(SWEEP_SECONDS)
        except StoreBusy as error:
            log.warning("sweep_put_off reason=%s", error)
            await asyncio.sleep(BUSY_SECONDS)
        except Exception:
            # Nobody watches this task: it must outlive a bug, or nothing is swept until the process is started anew.
            log.exception("sweep_failed")
            await asyncio.sleep(SWEEP_SECONDS)
