"""The job `langsmith`: tell LangSmith what became of a run, and have people look at it again where the rule says so."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pharmacy.domain.annotation import lowest_margin
from pharmacy.domain.judgement import Mark
from pharmacy.domain.numbers import change
from pharmacy.observing.annotation import AnnotationQueue
from pharmacy.observing.feedback import Feedback
from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed
from pharmacy.observing.remark import Remark
from pharmacy.redaction.redact import Redactor
from pharmacy.storage import annotating, erasure, remarks
from pharmacy.storage.jobs import Again, Job
from pharmacy.storage.notices import Subscription
from pharmacy.storage.remarks import Decided, Known
from server.program import Program

ATTEMPTS = 9
WAIT_SECONDS = 5.0
"""Doubled each time: the last start comes about 21 minutes after the first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LangSmithJobs:
    """What a worker does for runs that LangSmith hears of. No decision and no exit waits for any of it."""

    program: Program
    langsmith: LangSmith

    async def tell(self, job: Job) -> None:
        """Tell of one run; done twice, the second takes the first one's place.

        Raises:
            Again: LangSmith did not take it; its trace may not have come yet.
        """
        if not self.program.tracing.is_on:
            return
        pharmacy_id, run_id, suggestion_id = _names(job)
        key = f"{pharmacy_id}/{job.arguments['conversation_id']}"
        # Listening begins before reading: of a patient who is erased in between, nothing leaves.
        async with self.program.notices.subscribe(erasure.CHANNEL, key) as erased:
            async with self.program.database.begin(pharmacy_id) as tx:
                known = await remarks.known(tx, pharmacy_id, run_id, suggestion_id)
                put = await annotating.is_put(tx, pharmacy_id, run_id)
            if known is None:
                return
            try:
                await self._tell(known, erased)
                if not put and not erased.is_woken:
                    await self._put(pharmacy_id, known)
            except LangSmithFailed as failed:
                raise Again(str(failed)) from failed

    async def give_up(self, job: Job, why: str) -> None:
        """Leave it: the decision stands in our own records."""
        log.warning("run_not_told run=%s reason=%s", job.arguments["run_id"], why)

    async def _tell(self, known: Known, erased: Subscription) -> None:
        if known.decided is None:
            return
        feedback = Feedback(self.langsmith, Redactor())
        told = await feedback.tell(_remark(known, known.decided), lambda: not erased.is_woken)
        log.info("decision_told run=%s decision=%s told=%s", known.run_id, known.decided.state, told)

    async def _put(self, pharmacy_id: str, known: Known) -> None:
        decision = known.decided.state if known.decided else None
        why = self.program.annotation.decided(known.run_id, _margin(known.judgement), decision)
        if not why:
            return
        await AnnotationQueue(self.langsmith, pharmacy_id).put(known.run_id, known.began_at)
        async with self.program.database.begin(pharmacy_id) as tx:
            await annotating.note_put(tx, pharmacy_id, known.conversation_id, known.run_id, [*why])
        log.info("run_put_into_queue run=%s why=%s", known.run_id, ",".join(why))


def _remark(known: Known, decided: Decided) -> Remark:
    told = decided.told
    sent = told.get("text") if decided.state == "edited" else None
    share = change(decided.draft, sent)[1] if sent is not None else None
    code = told.get("code") if decided.state == "rejected" else told.get("cause")
    return Remark(
        uuid5(NAMESPACE_URL, f"kakari/decision/{decided.id}"), known.run_id, known.began_at, decided.state,
        _score(decided.state, code, share), code, None if share is None else round(share, 4), sent,
        told.get("category"), told.get("phase"), known.said, known.known_names,
    )  # fmt: skip


def _score(state: str, code: str | None, share: float | None) -> float | None:
    """Return 1 for a draft that went out as it was, less the more of it was changed, and 0 for one of no use."""
    if state == "approved":
        return 1.0
    if share is not None:
        return round(1.0 - share, 4)
    # A matter that is dealt with elsewhere says nothing of its draft.
    return None if code == "handled" else 0.0


def _margin(judgement: Mapping[str, Any]) -> int | None:
    return lowest_margin({name: Mark(each["mark"], each["bar"], "") for name, each in judgement.items()})


def _names(job: Job) -> tuple[str, UUID, UUID | None]:
    suggestion_id = job.arguments.get("suggestion_id")
    run_id = UUID(str(job.arguments["run_id"]))
    return str(job.arguments["pharmacy_id"]), run_id, UUID(str(suggestion_id)) if suggestion_id else None
