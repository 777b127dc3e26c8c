"""What stands beside a conversation: how it has moved, what is open with its patient, when both sides last wrote."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.moves import last_moves
from pharmacy.storage.reading import conversation_row
from pharmacy.storage.tables import conversations, handovers, messages

MOST_CONTACTS = 10


async def overview(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> dict[str, Any]:
    """Return the conversation's moves, and its patient's open cases and contacts in every conversation of theirs.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    row = await conversation_row(tx, pharmacy_id, conversation_id)
    return {
        "began_at": row.created_at.isoformat(),
        "moves": await last_moves(tx, pharmacy_id, conversation_id),
        "cases": await _open_cases(tx, pharmacy_id, row.patient_id),
        "contacts": await _contacts(tx, pharmacy_id, row.patient_id),
    }


async def _open_cases(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> list[dict[str, Any]]:
    of = (handovers.c.pharmacy_id == conversations.c.pharmacy_id) & (handovers.c.conversation_id == conversations.c.id)
    found = select(handovers).join(conversations, of).where(
        conversations.c.pharmacy_id == pharmacy_id, conversations.c.patient_id == patient_id,
        handovers.c.state == "open",
    )  # fmt: skip
    rows = await tx.execute(found.order_by(handovers.c.urgency, handovers.c.seq))
    return [
        {"id": str(row.id), "conversation_id": row.conversation_id, "tier": row.tier, "code": row.code,
         "reasons": row.reasons, "opened_at": row.created_at.isoformat(), "acknowledged_by": row.acknowledged_by}
        for row in rows
    ]  # fmt: skip


async def _contacts(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> list[dict[str, Any]]:
    """Return each conversation of the patient's with when either side last wrote in it, the newest first."""
    of = (messages.c.pharmacy_id == conversations.c.pharmacy_id) & (messages.c.conversation_id == conversations.c.id)
    theirs = messages.c.author == "patient"
    wrote = select(
        func.max(messages.c.received_at).filter(theirs).label("heard"),
        func.max(messages.c.sent_at).filter(~theirs).label("answered"),
    ).where(of).correlate(conversations).lateral("wrote")  # fmt: skip
    found = select(conversations.c.id, conversations.c.channel, wrote.c.heard, wrote.c.answered).where(
        conversations.c.pharmacy_id == pharmacy_id, conversations.c.patient_id == patient_id
    )
    newest = found.order_by(conversations.c.last_message_at.desc(), conversations.c.id).limit(MOST_CONTACTS)
    return [
        {"conversation_id": row.id, "channel": row.channel, "patient_wrote_at": _iso(row.heard),
         "answered_at": _iso(row.answered)}
        for row in await tx.execute(newest)
    ]  # fmt: skip


def _iso(when: Any) -> str | None:
    return when.isoformat() if when else None
