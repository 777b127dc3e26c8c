"""The job `shadow`: ask a student beside a reply that is written already. No reply waits for any of it."""

import logging
from dataclasses import dataclass, field
from uuid import UUID

from distillation.shadowing import NotTheSame, Shadowing
from evaluation.answering import NotAnswered
from pharmacy.domain.errors import FlowError
from pharmacy.storage import erasure, shadows
from pharmacy.storage.jobs import Again, Job
from pharmacy.storage.shadows import Drawn, Question, ShadowAnswer
from server.program import Program
from server.worker.purse import spare_purse

ATTEMPTS = 4
WAIT_SECONDS = 5.0
"""Doubled each time: the last start comes some 35 seconds after the first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShadowJobs:
    """What a worker does for students that answer unused."""

    program: Program
    shadowings: dict[str, Shadowing] = field(default_factory=dict)

    async def ask(self, job: Job) -> None:
        """Ask one student beside one run, and keep what it says; done twice, it is kept once.

        Raises:
            Again: it could not be asked, and may be a moment later.
        """
        pharmacy_id, run_id, drawn = _names(job)
        await self.program.doorway.quiet()
        key = f"{pharmacy_id}/{job.arguments['conversation_id']}"
        # Listening begins before reading: of a patient who is erased in between, nothing leaves.
        async with self.program.notices.subscribe(erasure.CHANNEL, key) as erased:
            asked = await self._question(pharmacy_id, run_id, drawn)
            if asked is None or erased.is_woken:
                return
            try:
                answer = await self._answer(pharmacy_id, asked, drawn.student)
            except (NotAnswered, NotTheSame, FlowError) as error:
                code = error.cause.code if isinstance(error, NotAnswered) else error.code
                if job.attempt < ATTEMPTS and not isinstance(error, NotTheSame):
                    raise Again(f"{drawn.node}: {code}") from error
                answer = ShadowAnswer(error=code)
        await self._keep(pharmacy_id, asked, drawn, answer)

    async def give_up(self, job: Job, why: str) -> None:
        """Keep that there is no answer, and why."""
        pharmacy_id, run_id, drawn = _names(job)
        asked = await self._question(pharmacy_id, run_id, drawn)
        if asked is not None:
            await self._keep(pharmacy_id, asked, drawn, ShadowAnswer(error=why))
        log.warning("shadow_given_up run=%s node=%s reason=%s", run_id, drawn.node, why)

    async def _question(self, pharmacy_id: str, run_id: UUID, drawn: Drawn) -> Question | None:
        async with self.program.database.begin(pharmacy_id) as tx:
            return await shadows.question(tx, pharmacy_id, run_id, drawn)

    async def _answer(self, pharmacy_id: str, asked: Question, student: str) -> ShadowAnswer:
        if asked.node not in self.shadowings:
            self.shadowings[asked.node] = Shadowing.of(asked.node, self.program.assembled)
        purse = spare_purse(self.program.database, self.program.settings.budgets, pharmacy_id)
        models = self.program.assembled.models_beside(purse)
        catalogue = await self.program.catalogue(pharmacy_id)
        try:
            return await self.shadowings[asked.node].answer(asked, student, catalogue, models)
        finally:
            await purse.settle()

    async def _keep(self, pharmacy_id: str, asked: Question, drawn: Drawn, answer: ShadowAnswer) -> None:
        kept = await self.program.database.transact(
            lambda tx: shadows.keep(tx, pharmacy_id, asked, drawn, answer), pharmacy_id
        )
        log.info("shadow_answered run=%s node=%s kept=%s error=%s", asked.run_id, asked.node, kept, answer.error)


def _names(job: Job) -> tuple[str, UUID, Drawn]:
    told = job.arguments
    drawn = Drawn(str(told["node"]), str(told["student"]), float(told["share"]), int(told["serving_seq"]))
    return str(told["pharmacy_id"]), UUID(str(told["run_id"])), drawn
