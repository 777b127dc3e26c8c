"""Which patient messages have no outcome yet, and which of their conversations nobody works on."""

from sqlalchemy import ColumnElement, Text, cast, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.storage.tables import messages

_WAITS = (messages.c.author == "patient", messages.c.outcome_id.is_(None))


async def count(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> int:
    """Return how many messages of the conversation wait for their outcome."""
    found = select(func.count()).select_from(messages).where(*_of(pharmacy_id, conversation_id), *_WAITS)
    return int((await tx.execute(found)).scalar_one())


async def hits(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> tuple[GateHit, ...]:
    """Return what the gates found in the waiting messages when they were taken, the oldest message's first."""
    found = select(messages.c.hits).where(*_of(pharmacy_id, conversation_id), *_WAITS).order_by(messages.c.order_at)
    kept = [hit for row in await tx.execute(found) for hit in row.hits]
    return tuple(GateHit(hit["rule"], Tier(hit["tier"]), tuple(hit["span"]), hit["matched"]) for hit in kept)


async def newer_than(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int) -> bool:
    """Say whether a waiting message came after `version`."""
    newer = select(messages.c.seq).where(*_of(pharmacy_id, conversation_id), *_WAITS, messages.c.version > version)
    return (await tx.execute(newer.limit(1))).one_or_none() is not None


async def redelivered(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> bool:
    """Say whether the channel has delivered a waiting message more than once."""
    again = select(messages.c.seq).where(*_of(pharmacy_id, conversation_id), *_WAITS, messages.c.redelivered)
    return (await tx.execute(again.limit(1))).one_or_none() is not None


async def ages(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> tuple[float, float] | None:
    """Return how many seconds ago the newest and the oldest waiting message arrived, or None when none waits."""
    now = func.clock_timestamp()
    newest = func.extract("epoch", now - func.max(messages.c.received_at))
    oldest = func.extract("epoch", now - func.min(messages.c.received_at))
    row = (await tx.execute(select(newest, oldest).where(*_of(pharmacy_id, conversation_id), *_WAITS))).one()
    return None if row[0] is None else (float(row[0]), float(row[1]))


async def without_job(tx: AsyncConnection) -> list[str]:
    """Return the conversations of the transaction's pharmacy that have a waiting message and no job left."""
    jobs = table("procrastinate_jobs", column("lock", Text), column("status"))
    busy = select(jobs.c.lock).where(cast(jobs.c.status, Text).in_(["todo", "doing"]), jobs.c.lock.is_not(None))
    lock = func.concat("reply:", messages.c.pharmacy_id, ":", messages.c.conversation_id)
    found = select(messages.c.conversation_id).where(*_WAITS, lock.not_in(busy)).distinct()
    return [row.conversation_id for row in await tx.execute(found)]


def _of(pharmacy_id: str, conversation_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id
