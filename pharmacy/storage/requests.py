"""A pharmacist's wishes for a draft: kept beside the job, which carries only the wish's id."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import outcomes, requests, runs, suggestions


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


async def undo(tx: AsyncConnection, conversation: Any) -> UUID | None:
    """Let go of the conversation's wishes; return the draft that one of them took away and that is open again.

    Without it the message that the draft answers would wait for nobody: it has its outcome, and no run owes it one.
    """
    scope = (requests.c.pharmacy_id == conversation.pharmacy_id, requests.c.conversation_id == conversation.id)
    wished = select(cast(requests.c.id, Text)).where(*scope, requests.c.dropped_at.is_(None), ~_led_to_an_outcome())
    mine = (suggestions.c.pharmacy_id == conversation.pharmacy_id, suggestions.c.conversation_id == conversation.id)
    open_one = (await tx.execute(select(suggestions.c.id).where(*mine, suggestions.c.state == "open"))).one_or_none()
    given_up = select(suggestions.c.id).where(
        *mine, suggestions.c.state == "regenerated", suggestions.c.version == conversation.version,
        suggestions.c.decision["request_id"].astext.in_(wished),
    )  # fmt: skip
    newest = given_up.order_by(suggestions.c.seq.desc()).limit(1)
    draft: UUID | None = None if open_one else (await tx.execute(newest)).scalar_one_or_none()
    if draft:
        undecided = {"state": "open", "decision": null(), "decided_by": None, "decided_at": None}
        await tx.execute(update(suggestions).where(*mine, suggestions.c.id == draft).values(**undecided))
    await drop(tx, conversation)
    return draft


async def open_request(tx: AsyncConnection, request_id: UUID) -> Asked | None:
    """Return the wish, or None when it is dropped or has led to an outcome already: a job may be started twice."""
    where = (requests.c.id == request_id, requests.c.dropped_at.is_(None), ~_led_to_an_outcome())
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


def _led_to_an_outcome() -> ColumnElement[bool]:
    answered = select(outcomes.c.id).join(runs, runs.c.id == outcomes.c.run_id)
    return answered.where(runs.c.request_id == requests.c.id).exists()
