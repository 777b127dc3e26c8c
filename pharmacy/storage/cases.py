"""Cases that wait for a person: opened outside a run, and resolved."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import Outcome, OutcomeKind, Reason
from pharmacy.storage import audit, runs, unanswered
from pharmacy.storage.holding import locked
from pharmacy.storage.notices import notify
from pharmacy.storage.outcomes import URGENCY, Covered, write_handover
from pharmacy.storage.reading import newer_messages
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.tables import handovers


async def open_case(tx: AsyncConnection, conversation: Any, code: str, detail: str) -> None:
    """See to it that a person looks at the conversation: open a case, or add the reason to the open one."""
    scope = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id}
    entry = {"code": code, "detail": detail, "version": conversation.version, "hits": []}
    where = (
        handovers.c.pharmacy_id == conversation.pharmacy_id,
        handovers.c.conversation_id == conversation.id,
        handovers.c.state == "open",
    )
    case = (await tx.execute(select(handovers).where(*where).with_for_update())).one_or_none()
    if case is None:
        await tx.execute(
            insert(handovers).values(
                **scope,
                id=uuid4(),
                version=conversation.version,
                state="open",
                code=code,
                tier=None,
                urgency=URGENCY[None],
                detail=detail,
                category=conversation.category,
                phase=conversation.phase,
                reasons=[entry],
                drafts=[],
            )
        )
    else:
        joined = {"reasons": [*case.reasons, entry], "version": conversation.version, "updated_at": func.now()}
        await tx.execute(update(handovers).where(handovers.c.id == case.id).values(**joined))
    await notify(tx, "conversation", f"{conversation.pharmacy_id}/{conversation.id}")


async def open_by_tier(tx: AsyncConnection, pharmacy_id: str) -> dict[Tier | None, int]:
    """Return how many cases of each tier wait, those of none included; a tier without a case counts 0."""
    found = select(handovers.c.tier, func.count().label("waiting")).where(
        handovers.c.pharmacy_id == pharmacy_id, handovers.c.state == "open"
    )
    counted = {row.tier: row.waiting for row in await tx.execute(found.group_by(handovers.c.tier))}
    return {tier: counted.get(tier, 0) for tier in URGENCY}


async def answered_in_person(tx: AsyncConnection, conversation: Any, actor: str) -> None:
    """End the run in work: the messages it was to answer have just been answered by a person."""
    await runs.stop(tx, conversation.pharmacy_id, conversation.id, "answered_in_person")
    if not await unanswered.count(tx, conversation.pharmacy_id, conversation.id):
        return
    covered = Covered(conversation.pharmacy_id, conversation.id, conversation.version)
    open_one = select(handovers.c.id).where(*covered.rows_of(handovers), handovers.c.state == "open")
    open_before = (await tx.execute(open_one)).scalar_one_or_none()
    reason = Reason("answered_in_person", "a pharmacist replied before a draft was ready")
    outcome = Outcome(OutcomeKind.HANDOVER, conversation.category, conversation.phase, reason=reason)
    await write_handover(tx, covered, outcome)
    if open_before is None:
        opened = (await tx.execute(open_one)).scalar_one()
        await resolve(tx, conversation.pharmacy_id, opened, actor, reason.detail, conversation.version)


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
    where = (handovers.c.pharmacy_id == pharmacy_id, handovers.c.id == handover_id)
    of = (await tx.execute(select(handovers.c.conversation_id).where(*where))).scalar_one_or_none()
    if of is None:
        raise NotHere(f"handover {str(handover_id)!r}: there is none")
    conversation = await locked(tx, pharmacy_id, of)
    case = (await tx.execute(select(handovers).where(*where).with_for_update())).one()
    if case.state != "open":
        raise Stale(f"handover is {case.state}, expected open", case.version, [], case.state)
    await _refuse_unread(tx, case, conversation.version, version)
    values = {"state": "resolved", "resolved_by": actor, "resolved_at": func.now(), "resolution": resolution}
    await tx.execute(update(handovers).where(*where).values(**values))
    await notify(tx, "conversation", f"{pharmacy_id}/{case.conversation_id}")
    await audit.append(
        tx, pharmacy_id, actor, "handover_resolved", str(handover_id), {"code": case.code, "tier": case.tier}
    )


async def _refuse_unread(tx: AsyncConnection, case: Any, now: int, read: int | None) -> None:
    """Let nobody close what they have not read: an emergency may have joined the case while it was open."""
    emergency = case.tier == Tier.E
    if read is None and not emergency:
        return
    needed = now if emergency else case.version
    if read is None or not needed <= read <= now:
        since = min(entry["version"] for entry in case.reasons) - 1 if read is None else read
        newer = await newer_messages(tx, case.pharmacy_id, case.conversation_id, since)
        said = f"version = {read!r}: the conversation is at {now}; read the newer messages"
        raise Stale(said, now, newer, case.state)
