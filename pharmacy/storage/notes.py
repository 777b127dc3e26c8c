"""Private notes beside a conversation: written once, read by the pharmacy's people, never sent, never drafted from."""

from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.holding import locked
from pharmacy.storage.paging import Page, page, read_cursor
from pharmacy.storage.reading import conversation_row
from pharmacy.storage.tables import notes

LAST_NOTES = 50
"""As many as stand among the messages that a conversation shows."""


async def write(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str, text: str) -> dict[str, Any]:
    """Keep a note and return it.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    await locked(tx, pharmacy_id, conversation_id)
    row = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id, "id": uuid4(), "text": text,
           # The clock, under the lock: later than whatever was noted before it.
           "written_by": actor, "written_at": func.clock_timestamp()}  # fmt: skip
    kept = (await tx.execute(insert(notes).values(**row).returning(notes))).one()
    await audit.append(tx, pharmacy_id, actor, "note_written", conversation_id, {"note_id": str(kept.id)})
    return note_json(kept)


async def list_notes(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, *, limit: int, after: str | None
) -> Page:
    """Return a conversation's notes, oldest first.

    Raises:
        NotHere: this pharmacy has no such conversation.
        CursorUnreadable: `after` comes from no page of notes.
    """
    await conversation_row(tx, pharmacy_id, conversation_id)
    found = select(notes).where(notes.c.pharmacy_id == pharmacy_id, notes.c.conversation_id == conversation_id)
    if after:
        (seq,) = read_cursor(after, (int,))
        found = found.where(notes.c.seq > seq)
    rows = (await tx.execute(found.order_by(notes.c.seq).limit(limit + 1))).all()
    return page(list(rows), limit, note_json, lambda row: [row.seq])


async def last_notes(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> list[dict[str, Any]]:
    """Return the conversation's newest notes, oldest first."""
    found = select(notes).where(notes.c.pharmacy_id == pharmacy_id, notes.c.conversation_id == conversation_id)
    rows = (await tx.execute(found.order_by(notes.c.seq.desc()).limit(LAST_NOTES))).all()
    return [note_json(row) for row in reversed(rows)]


def note_json(row: Any) -> dict[str, Any]:
    """Return a note's row as the API shows it."""
    return {
        "id": str(row.id),
        "conversation_id": row.conversation_id,
        "text": row.text,
        "written_by": row.written_by,
        "written_at": row.written_at.isoformat(),
    }
