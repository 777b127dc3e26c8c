"""Alarms: rows written with what they tell of, each told by its own job until it has been heard."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier
from pharmacy.storage import audit
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import alarms, handovers

NOT_SENT = "not_sent"
STEPPED_BACK = "stepped_back"
_DAY = text("now() - interval '24 hours'")
_HOUR = text("now() - interval '1 hour'")


@dataclass(frozen=True)
class Telling:
    """One alarm as it is to be told now: ids and codes, never a patient's words."""

    id: UUID
    pharmacy_id: str
    conversation_id: str
    handover_id: UUID | None
    kind: str
    tier: str | None
    category: str
    level: int
    age_seconds: float
    """How long what it tells of has waited."""

    heard: frozenset[str]
    """The marks of the addresses that were told before."""

    attempts: int


async def of_case(
    tx: AsyncConnection, jobs: Jobs, case: Any, category: str, tier: Tier | None, level: int, since: datetime
) -> UUID:
    """Write the alarm of a case and its job; the caller holds the case."""
    about = {"conversation_id": case.conversation_id, "handover_id": case.id, "kind": "case", "tier": tier}
    return await _write(tx, jobs, case.pharmacy_id, {**about, "category": category, "level": level, "since": since})


async def of_unsent(tx: AsyncConnection, jobs: Jobs, conversation: Any, *, always: bool = False) -> None:
    """Write the alarm of a text that could not be sent, once an hour: a channel that refuses one refuses many.

    Args:
        always: however many there were, because the text was one for an emergency.
    """
    mine = (alarms.c.pharmacy_id == conversation.pharmacy_id, alarms.c.kind == NOT_SENT, alarms.c.created_at > _HOUR)
    if always or (await tx.execute(select(alarms.c.id).where(*mine).limit(1))).one_or_none() is None:
        about = {"conversation_id": conversation.id, "kind": NOT_SENT, "category": NOT_SENT, "level": 0}
        await _write(tx, jobs, conversation.pharmacy_id, {**about, "since": func.now()})


async def of_step_back(tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str, node: str) -> None:
    """Write the alarm that the watch has let a node's teacher serve again.

    Args:
        conversation_id: the one whose case was the last of those that decided it.
    """
    about = {"conversation_id": conversation_id, "kind": STEPPED_BACK, "category": node, "level": 0}
    await _write(tx, jobs, pharmacy_id, {**about, "since": func.now()})


async def category_of_case(tx: AsyncConnection, pharmacy_id: str, handover_id: UUID) -> str | None:
    """Return what the case's newest alarm named, or None when it has none."""
    mine = (alarms.c.pharmacy_id == pharmacy_id, alarms.c.handover_id == handover_id)
    found = select(alarms.c.category).where(*mine).order_by(alarms.c.seq.desc()).limit(1)
    return (await tx.execute(found)).scalar_one_or_none()


async def acknowledge_open(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str) -> None:
    """Note that somebody looks after the conversation's open case; it calls nobody else. The caller holds both."""
    mine = (handovers.c.pharmacy_id == pharmacy_id, handovers.c.conversation_id == conversation_id,
            handovers.c.state == "open", handovers.c.acknowledged_at.is_(None))  # fmt: skip
    now = {"acknowledged_at": func.now(), "acknowledged_by": actor, "alarm_due_at": None}
    await tx.execute(update(handovers).where(*mine).values(**now))


async def call_again(tx: AsyncConnection, conversation: Any) -> bool:
    """Let a pressing case call at once and wider, whoever looked after it; say whether the conversation has one open.

    For a text to the patient that did not go: what was done about the case is undone with it. The caller holds both.
    """
    mine = (handovers.c.pharmacy_id == conversation.pharmacy_id, handovers.c.conversation_id == conversation.id,
            handovers.c.state == "open", handovers.c.tier.in_([Tier.E, Tier.U]))  # fmt: skip
    now = {"acknowledged_at": None, "acknowledged_by": None, "alarm_due_at": func.now()}
    await tx.execute(update(handovers).where(*mine, handovers.c.acknowledged_at.is_not(None)).values(**now))
    return (await tx.execute(select(handovers.c.id).where(*mine).limit(1))).one_or_none() is not None


async def claim(tx: AsyncConnection, pharmacy_id: str, alarm_id: UUID) -> Telling | None:
    """Return the alarm to tell, or None when it was told, is gone, or somebody looks after its case already."""
    mine = (alarms.c.pharmacy_id == pharmacy_id, alarms.c.id == alarm_id)
    labels = ((alarms.c.created_at < _DAY).label("too_old"), _age().label("age_seconds"))
    row = (await tx.execute(select(alarms, *labels).where(*mine).with_for_update())).one_or_none()
    if row is None or row.state != "queued":  # its patient may have been erased
        return None
    ended = "dropped" if await _is_heard(tx, row) else "parked" if row.too_old else None
    attempts = {"attempts": row.attempts + 1} if ended is None else {"state": ended}
    await tx.execute(update(alarms).where(*mine).values(**attempts))
    if ended is not None:
        return None
    return Telling(
        row.id, pharmacy_id, row.conversation_id, row.handover_id, row.kind, row.tier, row.category, row.level,
        float(row.age_seconds), frozenset(row.heard), row.attempts + 1,
    )  # fmt: skip


async def note(tx: AsyncConnection, telling: Telling, heard: Collection[str], problem: str | None) -> None:
    """Keep what became of one attempt.

    Args:
        heard: the marks of the addresses that have been told, those of earlier attempts among them.
        problem: why somebody has not heard of it yet; None when nobody is left.
    """
    mine = (alarms.c.pharmacy_id == telling.pharmacy_id, alarms.c.id == telling.id)
    told = {"state": "told"} if problem is None else {}
    await tx.execute(update(alarms).where(*mine).values(**told, heard=sorted(heard), problem=problem))
    if problem is None:
        body = {"handover_id": str(telling.handover_id) if telling.handover_id else None, "kind": telling.kind,
                "tier": telling.tier, "category": telling.category, "level": telling.level,
                "addresses": len(heard)}  # fmt: skip
        await audit.append(tx, telling.pharmacy_id, "program", "alarm_told", str(telling.id), body)


async def park(tx: AsyncConnection, pharmacy_id: str, alarm_id: UUID, problem: str) -> None:
    """Give up telling an alarm, saying why."""
    mine = (alarms.c.pharmacy_id == pharmacy_id, alarms.c.id == alarm_id, alarms.c.state == "queued")
    await tx.execute(update(alarms).where(*mine).values(state="parked", problem=problem))


async def _write(tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, row: dict[str, Any]) -> UUID:
    alarm_id = uuid4()
    await tx.execute(insert(alarms).values(**row, pharmacy_id=pharmacy_id, id=alarm_id, state="queued"))
    arguments = {"pharmacy_id": pharmacy_id, "alarm_id": str(alarm_id)}
    await jobs.enqueue(tx, "alarm", lock=f"alarm:{alarm_id}", arguments=arguments, priority=10)
    return alarm_id


async def _is_heard(tx: AsyncConnection, row: Any) -> bool:
    if row.handover_id is None:
        return False
    heard = (handovers.c.state != "open") | handovers.c.acknowledged_at.is_not(None)
    found = select(heard).where(handovers.c.pharmacy_id == row.pharmacy_id, handovers.c.id == row.handover_id)
    return bool((await tx.execute(found)).scalar_one())


def _age() -> Any:
    return func.greatest(0, func.extract("epoch", func.clock_timestamp() - alarms.c.since))
