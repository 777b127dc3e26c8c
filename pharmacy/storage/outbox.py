"""The only way out: texts to send, each with one retry key, moved by the job `send`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, cases
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.notices import notify
from pharmacy.storage.tables import conversations, messages, outbox

REPLY_ID = "reply~"
"""Begins the id of every reply; no patient's message may have a `~` in its id, so that neither can take the other's."""

# A receiver keeps a retry key for 24 hours; past 23 a repeat could reach the patient twice.
_KEY_LIVES = text("now() - interval '23 hours'")


@dataclass(frozen=True)
class Wording:
    """What is to be said, and where it leaves the conversation."""

    text: str
    category: str | None = None
    phase: str | None = None
    """None leaves the conversation's phase, and likewise its category, as it is when the text is sent."""

    suggestion_id: UUID | None = None
    author: str = "pharmacist"
    reason: str | None = None
    """Why it goes out although the output gate would have held it."""

    overridden: tuple[str, ...] = ()
    """The names of the rules that held it."""


async def queue(tx: AsyncConnection, jobs: Jobs, conversation: Any, wording: Wording, actor: str) -> UUID:
    """Write a text to send and its job; the recipient is the conversation's patient and nobody else."""
    outbox_id = uuid4()
    await tx.execute(
        insert(outbox).values(
            id=outbox_id,
            pharmacy_id=conversation.pharmacy_id,
            conversation_id=conversation.id,
            retry_key=uuid4(),
            version=conversation.version,
            text=wording.text,
            text_hash=text_hash(wording.text),
            recipient=conversation.patient_id,
            author=wording.author,
            sent_by=actor,
            category=wording.category,
            phase=wording.phase,
            suggestion_id=wording.suggestion_id,
            reason=wording.reason,
            overridden=list(wording.overridden),
            state="queued",
        )
    )
    lock = f"send:{conversation.pharmacy_id}:{conversation.id}"
    await jobs.enqueue(
        tx, "send", lock=lock, arguments={"pharmacy_id": conversation.pharmacy_id, "outbox_id": str(outbox_id)}
    )
    return outbox_id


def text_hash(words: str) -> str:
    """Return what stands for a text where the text itself may not."""
    return hashlib.sha256(words.encode()).hexdigest()


async def claim(tx: AsyncConnection, outbox_id: UUID) -> Any | None:
    """Return the row to send now, or None when it is done with, too old, or overtaken by a newer message."""
    found = select(outbox, (outbox.c.created_at < _KEY_LIVES).label("too_old")).where(outbox.c.id == outbox_id)
    # The conversation first, then the row: the order every writer takes its locks in.
    conversation = await _locked(tx, (await tx.execute(found)).one())
    row = (await tx.execute(found.with_for_update())).one()
    if row.state != "queued":
        return None
    # A text that was never tried must not go out past a newer message; one that was tried may have arrived already,
    # and only its own key can tell.
    if row.attempts == 0 and row.version != conversation.version:
        await _park(tx, row, conversation, "a newer message came before it was sent")
        return None
    if row.too_old:
        await _park(tx, row, conversation, "its retry key is older than 23 hours")
        return None
    await tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(attempts=row.attempts + 1))
    return row


def unless_set_since(written_at: datetime, set_at: datetime | None, value: str | None) -> str | None:
    """Return `value`, or None when a person has set something else after it was written."""
    return None if set_at is not None and set_at > written_at else value


async def sent(tx: AsyncConnection, outbox_id: UUID) -> None:
    """Record that the text reached the channel: it becomes a message, and its phase the conversation's."""
    row = (await tx.execute(select(outbox).where(outbox.c.id == outbox_id))).one()
    conversation = await _locked(tx, row)
    changed = await tx.execute(
        update(outbox)
        .where(outbox.c.id == outbox_id, outbox.c.state == "queued")
        .values(state="sent", sent_at=func.now(), problem=None)
    )
    if not changed.rowcount:
        return
    scope = {"pharmacy_id": row.pharmacy_id, "conversation_id": row.conversation_id}
    await tx.execute(
        insert(messages).values(
            **scope,
            id=f"{REPLY_ID}{outbox_id}",
            version=row.version,
            author=row.author,
            text=row.text,
            sent_by=row.sent_by,
            sent_at=func.now(),
            outbox_id=outbox_id,
        )
    )
    await tx.execute(
        update(conversations)
        .where(conversations.c.pharmacy_id == row.pharmacy_id, conversations.c.id == row.conversation_id)
        .values(last_message_at=func.now(), **_moved(row, conversation))
    )
    await notify(tx, "conversation", f"{row.pharmacy_id}/{row.conversation_id}")
    body = {
        "conversation": row.conversation_id,
        "text_hash": row.text_hash,
        "retry_key": str(row.retry_key),
        "suggestion_id": str(row.suggestion_id) if row.suggestion_id else None,
        "by": row.sent_by,
    }
    await audit.append(tx, row.pharmacy_id, "channel", "message_sent", str(outbox_id), body)


async def park(tx: AsyncConnection, outbox_id: UUID, problem: str) -> None:
    """Give up sending a text, saying why, and call a person."""
    row = (await tx.execute(select(outbox).where(outbox.c.id == outbox_id))).one()
    conversation = await _locked(tx, row)
    state = (await tx.execute(select(outbox.c.state).where(outbox.c.id == outbox_id))).scalar_one()
    if state == "queued":
        await _park(tx, row, conversation, problem)


async def note_problem(tx: AsyncConnection, outbox_id: UUID, problem: str) -> None:
    """Keep the words of a failed attempt; the same key is tried again."""
    await tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(problem=problem))


def _moved(row: Any, conversation: Any) -> dict[str, Any]:
    """Return where the sent text leaves the conversation; what a person has set since it was written stays."""
    phase = unless_set_since(row.created_at, conversation.phase_set_at, row.phase)
    category = unless_set_since(row.created_at, conversation.category_set_at, row.category)
    return ({"phase": phase} if phase else {}) | ({"category": category, "category_set_by": None} if category else {})


async def _park(tx: AsyncConnection, row: Any, conversation: Any, problem: str) -> None:
    await tx.execute(update(outbox).where(outbox.c.id == row.id).values(state="parked", problem=problem))
    await cases.open_case(tx, conversation, "not_sent", problem)
    await audit.append(tx, row.pharmacy_id, "channel", "message_parked", str(row.id), {"problem": problem})


async def _locked(tx: AsyncConnection, row: Any) -> Any:
    where = (conversations.c.pharmacy_id == row.pharmacy_id, conversations.c.id == row.conversation_id)
    return (await tx.execute(select(conversations).where(*where).with_for_update())).one()
