"""A pharmacist's wishes for a draft: kept beside the job, which carries only the wish's id."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import outcomes, requests, runs


@dataclass(frozen=True)
class Asked:
    """A pharmacist's wish for a draft."""

    id: UUID
    by: str
    version: int
    """The conversation's version when the wish was made: it knows of no message after it."""

    instruction: str = ""


async def ask(tx: AsyncConnection, jobs: Jobs, conversation: Any, actor: str, instruction: str) -> UUID:
    """Keep the wish and enqueue its run; return the request's id. The caller holds the conversation and audits."""
    request_id = uuid4()
    scope = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id}
    wish = {"version": conversation.version, "requested_by": actor, "instruction": instruction}
    await tx.execute(insert(requests).values(**scope, **wish, id=request_id))
    lock = f"reply:{conversation.pharmacy_id}:{conversation.id}"
    await jobs.enqueue(tx, "reply", lock=lock, arguments={**scope, "request_id": str(request_id)})
    return request_id


async def drop(tx: AsyncConnection, conversation: Any) -> None:
    """Let go of the conversation's wishes: a pharmacist, who holds it, has just answered."""
    mine = (requests.c.pharmacy_id == conversation.pharmacy_id, requests.c.conversation_id == conversation.id)
    await tx.execute(update(requests).where(*mine, requests.c.dropped_at.is_(None)).values(dropped_at=func.now()))


async def open_request(tx: AsyncConnection, request_id: UUID) -> Asked | None:
    """Return the wish, or None when it is dropped or has led to an outcome already: a job may be started twice."""
    answered = select(outcomes.c.id).join(runs, runs.c.id == outcomes.c.run_id).where(runs.c.request_id == request_id)
    where = (requests.c.id == request_id, requests.c.dropped_at.is_(None), ~answered.exists())
    found = (await tx.execute(select(requests).where(*where))).one_or_none()
    return Asked(found.id, found.requested_by, found.version, found.instruction) if found else None


async def outcome_of_request(tx: AsyncConnection, pharmacy_id: str, request_id: UUID) -> dict[str, Any] | None:
    """Return the JSON of what a wish led to, or None while it is in work.

    A wish that a newer message overtook has come to that message's outcome.
    """
    own = runs.c.id == outcomes.c.run_id
    overtaken = and_(
        runs.c.state == "superseded",
        outcomes.c.pharmacy_id == runs.c.pharmacy_id,
        outcomes.c.conversation_id == runs.c.conversation_id,
        outcomes.c.version > runs.c.version,
    )
    found = (
        select(outcomes.c.body)
        .join(runs, or_(own, overtaken))
        .where(runs.c.pharmacy_id == pharmacy_id, runs.c.request_id == request_id)
        .order_by(outcomes.c.version)
        .limit(1)
    )
    body: dict[str, Any] | None = (await tx.execute(found)).scalar_one_or_none()
    return body
