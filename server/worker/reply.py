"""The job `reply`: settle, run the flow over what is unanswered, write what it proposes."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from graph.state import RunContext
from nodes.hand_over import hand_over, with_gates
from pharmacy.domain.annotation import lowest_margin
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.domain.pace import Priority
from pharmacy.models.keeping import kept_run
from pharmacy.models.run_models import RunModels
from pharmacy.storage import names, policy, reply_caching, runs, servings, shadows, unanswered
from pharmacy.storage.automatic import Automatic
from pharmacy.storage.background import end
from pharmacy.storage.begun import Begun
from pharmacy.storage.database import Transaction
from pharmacy.storage.jobs import Job
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.remarks import Telling
from pharmacy.storage.servings import Decided
from pharmacy.storage.shadows import Drawn
from pharmacy.storage.telling import OVERTAKEN
from server import metrics
from server.program import Program
from server.worker.alarms import log_emergency
from server.worker.at_work import AtWork
from server.worker.purse import DayPurse
from server.worker.remembering import Remembering, embedder
from server.worker.request import request_of
from server.worker.tracing import Ended, key_of, trace_of

LOOK_SECONDS = 5.0
"""How long a run trusts that it would have heard of a newer message."""

CLOSE_SECONDS = 10.0
"""How long a run that is idle has for writing down the calls it made, before it is told again to end."""

LONGEST_SETTLE = 3
"""A patient who keeps on writing is answered after so many settling times all the same."""

STOPPED = {
    "run_stopped": "a person stopped the run",
    "taken_over": "a pharmacist took the conversation over",
    "answered_in_person": "a pharmacist answered before a draft was ready",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReplyJobs:
    """What a worker does for conversations."""

    program: Program

    async def reply(self, job: Job) -> None:
        """Answer whatever has no outcome yet in the job's conversation, or what a pharmacist asked for."""
        pharmacy_id, conversation_id, request_id = _names(job)
        if request_id is not None:
            await self.program.doorway.quiet()
        elif not await self._settled(pharmacy_id, conversation_id):
            return
        # Listening begins before the run does: a message that comes in between is heard of.
        async with self.program.notices.subscribe(OVERTAKEN, f"{pharmacy_id}/{conversation_id}") as news:
            begun = await self._begin(pharmacy_id, conversation_id, request_id)
            if begun is not None:
                await self._run(*begun, news)

    async def give_up(self, job: Job, why: str) -> None:
        """Hand over what could not be answered after several starts, so that no message is left behind."""

        def parked(phase: str, hits: Sequence[GateHit]) -> Outcome:
            return _handed_over("parked", f"no run came to an end: {why}", phase, hits)

        await self.program.database.transact(
            lambda tx: runs.give_up(tx, self.program.bell, *_names(job), parked), _names(job)[0]
        )
        log.warning("run_given_up conversation=%s", job.arguments["conversation_id"])

    async def _settled(self, pharmacy_id: str, conversation_id: str) -> bool:
        """Sleep until the newest message is old enough to be the last of its burst; say whether any is unanswered."""
        settle = self.program.settings.settle_seconds
        while True:
            await self.program.doorway.quiet()
            async with self.program.database.begin(pharmacy_id) as tx:
                ages = await unanswered.ages(tx, pharmacy_id, conversation_id)
            if ages is None:
                return False
            newest, oldest = ages
            left = min(settle - newest, LONGEST_SETTLE * settle - oldest)
            if left <= 0:
                return True
            await asyncio.sleep(left)

    async def _begin(
        self, pharmacy_id: str, conversation_id: str, request_id: UUID | None
    ) -> tuple[Begun, Mapping[str, Decided]] | None:
        window = self.program.assembled.flow.window_turns
        async with self.program.database.begin(pharmacy_id) as tx:
            begun = await runs.begin(tx, pharmacy_id, conversation_id, window, request_id)
            decided = await servings.decided(tx, pharmacy_id) if begun else {}
        return (begun, decided) if begun else None

    async def _run(self, begun: Begun, decided: Mapping[str, Decided], news: Any) -> None:
        purse = DayPurse(self.program.database, self.program.settings.budgets, begun.pharmacy_id, begun.patient.id)
        started = time.monotonic()
        serving = {node: each.serving for node, each in decided.items()}
        models = self.program.assembled.models_for_run(
            purse, conversation=key_of(begun), decided=serving, priority=Priority.PATIENT
        )
        at_work = AtWork(self.program.database, begun)
        # What is kept elsewhere is for learning from: only of those who agree to that.
        kept_run.set(begun.id if begun.patient.consent.training else None)
        remembering = Remembering(self.program.database, begun, self.program.assembled.flow, embedder)
        work = asyncio.create_task(self._propose(begun, models, at_work, remembering))
        try:
            proposal = await self._watch(begun, work, news)
        except Exception as error:
            await self._fail(begun, type(error).__name__, models.calls)
            await self._trace(begun, None, models.calls, time.monotonic() - started, type(error).__name__)
            raise
        finally:
            await end(work, again_seconds=CLOSE_SECONDS)
            await at_work.close()
            await purse.settle()
        ended = await self._end(begun, proposal, models, decided, remembering)
        # What a newer message, a withdrawal or an erasure has overtaken is nobody's answer, and is not traced.
        if ended in ("proposed", "stopped"):
            await self._trace(begun, proposal, models.calls, time.monotonic() - started)
        if ended == "proposed" and proposal is not None:
            metrics.count_outcome(proposal, time.monotonic() - started)
            metrics.count_calls(models.calls)
            if proposal.reason is not None and proposal.reason.tier is Tier.E:
                log_emergency(begun.conversation_id, begun.version)

    async def _trace(
        self,
        begun: Begun,
        proposal: Outcome | None,
        calls: Sequence[ModelCall],
        seconds: float,
        problem: str | None = None,
    ) -> None:
        if not self.program.tracing.is_on:
            return
        try:
            async with self.program.database.begin(begun.pharmacy_id) as tx:
                staff = await names.staff_names(tx, begun.pharmacy_id)
                if self._looked_at_again(begun, proposal):
                    await Telling(self.program.jobs).of_run(tx, begun, begun.id)
        except StoreBusy:
            # Whose names are not known cannot be taken out: no trace then.
            log.warning("run_not_traced conversation=%s", begun.conversation_id)
            return
        # It begins when the records say it did: LangSmith finds a run by its id and its begin.
        took = timedelta(seconds=seconds)
        ended = Ended(begun, proposal, tuple(calls), begun.now, begun.now + took, staff, problem)
        self.program.tracing.offer(key_of(begun), lambda: trace_of(ended))

    def _looked_at_again(self, begun: Begun, proposal: Outcome | None) -> bool:
        judgement = proposal.judgement if proposal else None
        margin = lowest_margin(judgement.marks) if judgement else None
        return bool(self.program.annotation.at_end(begun.id, margin))

    async def _propose(self, begun: Begun, models: RunModels, at_work: AtWork, remembering: Remembering) -> Outcome:
        if begun.unread:
            said = f"{begun.unread} more messages than a run reads"
            return _handed_over("burst", said, begun.phase, begun.hits)
        catalogue = await self.program.catalogue(begun.pharmacy_id)
        async with self.program.database.begin(begun.pharmacy_id) as tx:
            in_force = await policy.in_force(tx, begun.pharmacy_id, self.program.assembled.policy)
            profile, caching = await reply_caching.with_profile(tx, begun.pharmacy_id, self.program.settings.profile)
        remembering.open(models, caching, in_force.version)
        context = RunContext(models, catalogue, in_force, profile, begins=at_work.begins)
        proposal = await self.program.assembled.replies.run(request_of(begun), context)
        return await self._of_this_patient(begun, proposal)

    async def _of_this_patient(self, begun: Begun, proposal: Outcome) -> Outcome:
        """Return `proposal`, or a handover when its words name another patient: the flow cannot know of any other."""
        if proposal.reply is None:
            return proposal
        async with self.program.database.begin(begun.pharmacy_id) as tx:
            others = await names.other_names_in(tx, begun.pharmacy_id, begun.patient.id, proposal.reply)
        if not others:
            return proposal
        # The name itself is another patient's, and stays out of the reason.
        held = _handed_over("other_patient_named", "the draft names another patient", begun.phase, begun.hits)
        return replace(
            held, category=proposal.category, cost_usd=proposal.cost_usd,
            drafts=proposal.drafts, steps=proposal.steps, models=proposal.models,
        )  # fmt: skip

    async def _watch(self, begun: Begun, work: asyncio.Task[Outcome], news: Any) -> Outcome | None:
        """Return what the run proposes, or None as soon as a newer message or a person has made it idle."""
        while not work.done():
            heard = asyncio.create_task(news.wait(LOOK_SECONDS))
            await asyncio.wait({work, heard}, return_when=asyncio.FIRST_COMPLETED)
            await end(heard, again_seconds=CLOSE_SECONDS)
            if not work.done() and await self._overtaken(begun):
                return None
        return work.result()

    async def _overtaken(self, begun: Begun) -> bool:
        try:
            async with self.program.database.begin(begun.pharmacy_id) as tx:
                return await runs.overtaken(tx, begun)
        except StoreBusy:
            # The run goes on: the transaction that writes its outcome asks once more.
            return False

    async def _end(
        self,
        begun: Begun,
        proposal: Outcome | None,
        models: RunModels,
        decided: Mapping[str, Decided],
        remembering: Remembering,
    ) -> str:
        def stopped(code: str) -> Outcome:
            return _handed_over(code, STOPPED[code], begun.phase, begun.hits)

        sending = Automatic(self.program.jobs, self.program.assembled.policy)
        chosen = {node: asdict(each) for node, each in models.chosen.items()}
        shadowed = _shadowed(begun, models, decided) if self.program.settings.shadow == "live" else []

        async def work(tx: Transaction) -> str:
            state = await runs.end(tx, self.program.bell, begun, proposal, models.calls, stopped, sending, chosen)
            if state == "proposed":
                await remembering.keep(tx, proposal)
                await shadows.want(tx, self.program.jobs, begun, shadowed)
            return state

        ended = await self.program.database.transact(work, begun.pharmacy_id)
        log.info("run_ended conversation=%s state=%s", begun.conversation_id, ended)
        return ended

    async def _fail(self, begun: Begun, problem: str, calls: Sequence[ModelCall]) -> None:
        try:
            await self.program.database.transact(lambda tx: runs.fail(tx, begun, problem, calls), begun.pharmacy_id)
        except StoreBusy:
            log.warning("run_not_recorded conversation=%s problem=%s", begun.conversation_id, problem)


def _handed_over(code: str, detail: str, phase: str, hits: Sequence[GateHit]) -> Outcome:
    """Return a handover from outside the flow, with the tier that intake's gates found all the same."""
    return hand_over(with_gates(Reason(code, detail), hits), None, phase)


def _shadowed(begun: Begun, models: RunModels, decided: Mapping[str, Decided]) -> list[Drawn]:
    """Return the students that are to be asked beside this run; only of patients who agree to training."""
    if not begun.patient.consent.training:
        return []
    seqs = {node: each.seq for node, each in decided.items()}
    return [Drawn(node, each.model, each.share, seqs.get(node, 0)) for node, each in models.shadows.items()]


def _names(job: Job) -> tuple[str, str, UUID | None]:
    request_id = job.arguments.get("request_id")
    asked = UUID(str(request_id)) if request_id else None
    return str(job.arguments["pharmacy_id"]), str(job.arguments["conversation_id"]), asked
