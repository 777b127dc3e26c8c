"""What a person does with a case: acknowledge it, close it; and what an unacknowledged one does: call again, wider."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier
from pharmacy.storage import alarms, audit
from pharmacy.storage.cases import EMERGENCY_WAITS, Bell
from pharmacy.storage.decisions import Decision
from pharmacy.storage.holding import locked
from pharmacy.storage.reading import newer_messages
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.tables import handovers

LONGEST_SILENCE = timedelta(hours=1)
"""The longest pause between two alarms of one emergency that nobody acknowledges."""


async def acknowledge(
    tx: AsyncConnection, pharmacy_id: str, handover_id: UUID, actor: str, version: int | None = None
) -> None:
    """Note that somebody looks after the case, so that it calls nobody else; who was first stays.

    Args:
        version: the conversation's version that was read; None acknowledges whatever the case has become.

    Raises:
        NotHere: this pharmacy has no such handover.
        Stale: it is resolved already, or has newer messages than were read.
    """
    conversation, case = await _open(tx, pharmacy_id, handover_id)
    if version is not None and version < case.version:
        await _refuse(tx, case, conversation.version, version, version)
    if case.acknowledged_at is not None:
        return
    await alarms.acknowledge_open(tx, pharmacy_id, case.conversation_id, actor)
    told = {"code": case.code, "tier": case.tier}
    await audit.append(tx, pharmacy_id, actor, "handover_acknowledged", str(handover_id), told)


async def resolve(
    tx: AsyncConnection,
    pharmacy_id: str,
    handover_id: UUID,
    actor: str,
    resolution: str | None,
    version: int | None = None,
) -> None:
    """Close a case by a person's hand.

    Args:
        version: the conversation's version that was read; None closes whatever the case has become, unless that is an
            emergency.

    Raises:
        NotHere: this pharmacy has no such handover.
        Stale: it is resolved already, or the person has not read what would be closed.
    """
    conversation, case = await _open(tx, pharmacy_id, handover_id)
    await _refuse_unread(tx, case, conversation.version, version)
    await alarms.acknowledge_open(tx, pharmacy_id, case.conversation_id, actor)
    values = {"state": "resolved", "resolved_by": actor, "resolved_at": func.now(), "resolution": resolution}
    await tx.execute(update(handovers).where(handovers.c.id == handover_id).values(**values))
    told = {"code": case.code, "tier": case.tier}
    await audit.append(tx, pharmacy_id, actor, "handover_resolved", str(handover_id), told)


async def close_answered(tx: AsyncConnection, decision: Decision, conversation_id: str, handover_id: UUID) -> None:
    """Close the case that a reply answers, in the transaction that sends the reply: both happen or neither does.

    Raises:
        NotHere: the conversation has no such case.
        Stale: as `resolve`.
    """
    where = (handovers.c.pharmacy_id == decision.pharmacy_id, handovers.c.id == handover_id)
    of = (await tx.execute(select(handovers.c.conversation_id).where(*where))).scalar_one_or_none()
    if of != conversation_id:
        raise NotHere(f"handover {str(handover_id)!r}: conversation {conversation_id!r} has none such")
    await resolve(tx, decision.pharmacy_id, handover_id, decision.actor, None, decision.version)


async def late(tx: AsyncConnection, pharmacy_id: str, at_most: int = 100) -> list[UUID]:
    """Return the open cases that nobody has acknowledged in time, the longest waiting first."""
    found = select(handovers.c.id).where(handovers.c.pharmacy_id == pharmacy_id, *_LATE)
    return list((await tx.execute(found.order_by(handovers.c.alarm_due_at).limit(at_most))).scalars())


async def call_again(tx: AsyncConnection, bell: Bell, pharmacy_id: str, handover_id: UUID) -> bool:
    """Alarm again, and wider, for a case that is late still; say whether it was."""
    found = select(handovers).where(handovers.c.pharmacy_id == pharmacy_id, handovers.c.id == handover_id)
    await locked(tx, pharmacy_id, (await tx.execute(found)).one().conversation_id)
    case = (await tx.execute(found.where(*_LATE).with_for_update())).one_or_none()
    if case is None:
        return False
    tier, level, now = Tier(case.tier), case.alarm_level + 1, datetime.now(UTC)
    before = await alarms.category_of_case(tx, pharmacy_id, handover_id)
    await alarms.of_case(tx, bell.jobs, case, before or case.code, tier, level, case.alarmed_at)
    silence = min(EMERGENCY_WAITS * 2 ** min(level, 10), LONGEST_SILENCE)
    due = now + silence if tier is Tier.E else bell.due(tier, now)
    await tx.execute(update(handovers).where(handovers.c.id == handover_id).values(alarm_level=level, alarm_due_at=due))
    return True


_LATE = (handovers.c.state == "open", handovers.c.acknowledged_at.is_(None),
         handovers.c.alarm_due_at <= func.clock_timestamp())  # fmt: skip


async def _open(tx: AsyncConnection, pharmacy_id: str, handover_id: UUID) -> tuple[Any, Any]:
    """Return the conversation and its open case, both held, the conversation first."""
    where = (handovers.c.pharmacy_id == pharmacy_id, handovers.c.id == handover_id)
    of = (await tx.execute(select(handovers.c.conversation_id).where(*where))).scalar_one_or_none()
    if of is None:
        raise NotHere(f"handover {str(handover_id)!r}: there is none")
    conversation = await locked(tx, pharmacy_id, of)
    case = (await tx.execute(select(handovers).where(*where).with_for_update())).one()
    if case.state != "open":
        raise Stale(f"handover is {case.state}, expected open", case.version, [], case.state)
    return conversation, case


async def _refuse_unread(tx: AsyncConnection, case: Any, now: int, read: int | None) -> None:
    """Let nobody close what they have not read: an emergency may have joined the case while it was open."""
    emergency = case.tier == Tier.E
    if read is None and not emergency:
        return
    needed = now if emergency else case.version
    if read is None or not needed <= read <= now:
        since = min(entry["version"] for entry in case.reasons) - 1 if read is None else read
        await _refuse(tx, case, now, read, since)


async def _refuse(tx: AsyncConnection, case: Any, now: int, read: int | None, since: int) -> None:
    newer = await newer_messages(tx, case.pharmacy_id, case.conversation_id, since)
    said = f"version = {read!r}: the conversation is at {now}; read the newer messages"
    raise Stale(said, now, newer, case.state)
