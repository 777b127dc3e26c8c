"""What LangSmith is to be told of a run: the job, made with the decision, and what it reads when its turn comes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import names
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import conversations, messages, outcomes, patients, runs, suggestions

JOB = "langsmith"
"""The name of the job that tells LangSmith of one run."""

TRACE_SECONDS = 2.0
"""How long the trace itself has to get there first."""

READ = 100
"""How many messages are read for the names in them."""


@dataclass(frozen=True)
class Telling:
    """Has decisions told to LangSmith, some time after they are committed."""

    jobs: Jobs

    async def decided(self, tx: AsyncConnection, suggestion: Any) -> None:
        """Have the decision on the suggestion told, once the caller's transaction is committed."""
        await self.of_run(tx, suggestion, suggestion.run_id, suggestion.id)

    async def of_run(self, tx: AsyncConnection, of: Any, run_id: UUID, suggestion_id: UUID | None = None) -> None:
        """Have the run told of.

        Args:
            of: a row, or anything else that names pharmacy and conversation.
        """
        told = {"pharmacy_id": of.pharmacy_id, "conversation_id": of.conversation_id, "run_id": str(run_id)}
        if suggestion_id is not None:
            told["suggestion_id"] = str(suggestion_id)
        await self.jobs.enqueue(tx, JOB, lock=f"langsmith:{run_id}", arguments=told, schedule_in=TRACE_SECONDS)


@dataclass(frozen=True)
class Decided:
    """A decision as it stands in the records."""

    id: UUID
    """The suggestion's."""

    state: str
    """`approved`, `edited`, `rejected`, `regenerated` or `replied`."""

    draft: str
    told: dict[str, Any]


@dataclass(frozen=True)
class Known:
    """A run with what the records know of it."""

    run_id: UUID
    began_at: datetime
    conversation_id: str
    judgement: dict[str, Any]
    """Criterion to its mark, bar and reason; empty for a run without marks."""

    decided: Decided | None
    said: tuple[str, ...]
    known_names: tuple[str, ...]


async def known(tx: AsyncConnection, pharmacy_id: str, run_id: UUID, suggestion_id: UUID | None) -> Known | None:
    """Return what LangSmith may be told of the run; None when it is nobody's any more."""
    of = (conversations.c.pharmacy_id == runs.c.pharmacy_id) & (conversations.c.id == runs.c.conversation_id)
    patient = (patients.c.pharmacy_id == runs.c.pharmacy_id) & (patients.c.id == conversations.c.patient_id)
    found = select(
        runs.c.started_at, runs.c.conversation_id, runs.c.version, patients.c.profile["name"].astext.label("name"),
        outcomes.c.body["judgement"].label("judgement"),
    )  # fmt: skip
    found = found.select_from(runs.join(conversations, of).join(patients, patient).outerjoin(
        outcomes, (outcomes.c.pharmacy_id == runs.c.pharmacy_id) & (outcomes.c.run_id == runs.c.id)
    ))  # fmt: skip
    where = (runs.c.pharmacy_id == pharmacy_id, runs.c.id == run_id)
    row = (await tx.execute(found.where(*where).limit(1))).one_or_none()
    if row is None:
        return None
    staff = await names.staff_names(tx, pharmacy_id)
    said = await _said(tx, pharmacy_id, row.conversation_id, row.version)
    decided = await _decided(tx, pharmacy_id, run_id, suggestion_id) if suggestion_id else None
    known_names = tuple(name for name in (row.name, *staff) if name)
    return Known(run_id, row.started_at, row.conversation_id, row.judgement or {}, decided, said, known_names)


async def _decided(tx: AsyncConnection, pharmacy_id: str, run_id: UUID, suggestion_id: UUID) -> Decided | None:
    where = (suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.id == suggestion_id,
             suggestions.c.run_id == run_id, suggestions.c.decision.is_not(None))  # fmt: skip
    row = (await tx.execute(select(suggestions).where(*where))).one_or_none()
    if row is None:
        return None
    state = "replied" if row.decision.get("code") == "replied" else row.state
    return Decided(row.id, state, row.text, dict(row.decision))


async def _said(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int) -> tuple[str, ...]:
    where = (messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id,
             messages.c.version <= version)  # fmt: skip
    newest = select(messages.c.text).where(*where).order_by(messages.c.order_at.desc(), messages.c.id.desc())
    return tuple(reversed(list((await tx.execute(newest.limit(READ))).scalars())))
