"""The job `reply`: settle, run the flow over what is unanswered, write what it proposes."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graph.state import Request, RunContext, RunModels
from nodes.hand_over import hand_over
from nodes.screen import Standing
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.storage import runs
from pharmacy.storage.jobs import Job
from pharmacy.storage.runs import Asked, Begun
from server.program import Program

LOOK_SECONDS = 5.0
"""How long a run trusts that it would have heard of a newer message."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReplyJobs:
    """What a worker does for conversations."""

    program: Program

    async def reply(self, job: Job) -> None:
        """Answer whatever has no outcome yet in the job's conversation, or what a pharmacist asked for."""
        pharmacy_id, conversation_id = str(job.arguments["pharmacy_id"]), str(job.arguments["conversation_id"])
        asked = _asked(job.arguments.get("asked"))
        if asked is None and not await self._settled(pharmacy_id, conversation_id):
            return
        begun = await self._begin(pharmacy_id, conversation_id, asked)
        if begun is not None:
            await self._run(begun)

    async def give_up(self, job: Job, why: str) -> None:
        """Hand over what could not be answered after several starts, so that no message is left behind."""
        pharmacy_id, conversation_id = str(job.arguments["pharmacy_id"]), str(job.arguments["conversation_id"])
        begun = await self._begin(pharmacy_id, conversation_id, _asked(job.arguments.get("asked")))
        if begun is not None:
            outcome = hand_over(Reason("parked", f"no run came to an end: {why}"), None, begun.phase)
            await self._end(begun, outcome, None)

    async def _settled(self, pharmacy_id: str, conversation_id: str) -> bool:
        """Sleep until the newest message is old enough to be the last of its burst; say whether any is unanswered."""
        async with self.program.database.begin() as tx:
            age = await runs.newest_unanswered(tx, pharmacy_id, conversation_id)
        if age is not None:
            await asyncio.sleep(max(0.0, self.program.settings.settle_seconds - age))
        return age is not None

    async def _begin(self, pharmacy_id: str, conversation_id: str, asked: Asked | None) -> Begun | None:
        window = self.program.assembled.flow.window_turns
        async with self.program.database.begin() as tx:
            return await runs.begin(tx, pharmacy_id, conversation_id, window, asked)

    async def _run(self, begun: Begun) -> None:
        models = self.program.assembled.models_for_run()
        catalogue = await self.program.catalogue(begun.pharmacy_id)
        # Nothing is on the list for automatic sending: every good draft waits for a pharmacist.
        context = RunContext(models, catalogue, auto_allowed={})
        key = f"{begun.pharmacy_id}/{begun.conversation_id}"
        async with self.program.notices.subscribe("conversation", key) as news:
            work = asyncio.create_task(self.program.assembled.replies.run(_request(begun), context))
            try:
                ended = await self._watch(begun, work, news)
            finally:
                await _close(work)
        if ended is not None:
            await self._end(begun, ended, models)
        else:
            await self._leave(begun, models)

    async def _watch(self, begun: Begun, work: asyncio.Task[Outcome], news: Any) -> Outcome | None:
        """Return what the run proposes, or None as soon as a newer message or a person has made it idle."""
        while not work.done():
            heard = asyncio.create_task(news.wait(LOOK_SECONDS))
            await asyncio.wait({work, heard}, return_when=asyncio.FIRST_COMPLETED)
            await _close(heard)
            if not work.done():
                async with self.program.database.begin() as tx:
                    if await runs.overtaken(tx, begun):
                        return None
        return work.result()

    async def _end(self, begun: Begun, outcome: Outcome, models: RunModels | None) -> None:
        calls = models.calls if models else ()
        written = await self.program.database.transact(lambda tx: runs.end(tx, begun, outcome, calls))
        log.info("run_ended conversation=%s outcome=%s written=%s", begun.conversation_id, outcome.kind, written)

    async def _leave(self, begun: Begun, models: RunModels) -> None:
        stopped = hand_over(Reason("run_stopped", "a person stopped the run"), None, begun.phase)
        await self.program.database.transact(lambda tx: runs.leave(tx, begun, stopped, models.calls))
        log.info("run_left conversation=%s", begun.conversation_id)


async def _close(task: asyncio.Task[Any]) -> None:
    """End `task` and wait until its open calls are closed."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


def _request(begun: Begun) -> Request:
    standing = Standing(begun.now, begun.patient, begun.open_case, begun.taken_over, begun.first_contact)
    asked = begun.asked
    return Request(
        begun.transcript, standing, begun.phase, requested=asked is not None, instruction=asked.instruction if asked else "",
        category=begun.category if asked else None, earlier=begun.earlier,
    )  # fmt: skip


def _asked(given: dict[str, str] | None) -> Asked | None:
    return Asked(given["by"], UUID(given["request_id"]), given["instruction"]) if given else None
