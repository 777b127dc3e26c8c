"""Files that patients sent: waiting to be fetched, kept, refused, or withdrawn with their message."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.jobs import Jobs
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import media

JOB = "media"
"""The name of the job that fetches one file."""


@dataclass(frozen=True)
class Of:
    """Whose file."""

    pharmacy_id: str
    conversation_id: str
    message_id: str

    @property
    def row(self) -> tuple[ColumnElement[bool], ...]:
        """The condition for the file's row."""
        return (media.c.pharmacy_id == self.pharmacy_id, media.c.conversation_id == self.conversation_id,
                media.c.message_id == self.message_id)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file as it is kept."""

    content_type: str
    content: bytes


async def expect(
    tx: AsyncConnection, jobs: Jobs, of: Of, channel_message_id: str, kind: str, refused: str | None
) -> None:
    """Note that the message has a file, and have it fetched.

    Args:
        refused: why it is not to be fetched, or None.
    """
    names = {"pharmacy_id": of.pharmacy_id, "conversation_id": of.conversation_id, "message_id": of.message_id}
    state = "refused" if refused else "waiting"
    await tx.execute(
        insert(media).values(**names, channel_message_id=channel_message_id, kind=kind, state=state, problem=refused)
    )
    if not refused:
        lock = f"media:{of.pharmacy_id}:{of.conversation_id}:{of.message_id}"
        await jobs.enqueue(tx, JOB, lock=lock, arguments=names)


async def waiting(tx: AsyncConnection, of: Of) -> Any | None:
    """Return the row of a file that is still to be fetched, or None."""
    return (await tx.execute(select(media).where(*of.row, media.c.state == "waiting"))).one_or_none()


async def store(tx: AsyncConnection, of: Of, file: File) -> None:
    """Keep a fetched file, unless its message was withdrawn meanwhile."""
    values = {"state": "stored", "content_type": file.content_type, "content": file.content, "size": len(file.content),
              "stored_at": func.now(), "problem": None}  # fmt: skip
    await _set(tx, of, values)


async def refuse(tx: AsyncConnection, of: Of, problem: str) -> None:
    """Give a file up, saying why."""
    await _set(tx, of, {"state": "refused", "problem": problem})


async def withdraw(tx: AsyncConnection, of: Of) -> None:
    """Forget a file together with its message, whatever its state."""
    gone = {"state": "withdrawn", "content": None, "content_type": None, "size": None, "problem": None}
    await tx.execute(update(media).where(*of.row).values(**gone))


async def stored(tx: AsyncConnection, of: Of) -> File:
    """Return a message's file.

    Raises:
        NotHere: this pharmacy has no such message, it has no file, or the file is not kept.
    """
    found = select(media.c.content_type, media.c.content).where(*of.row, media.c.state == "stored")
    row = (await tx.execute(found)).one_or_none()
    if row is None:
        raise NotHere(f"file of message {of.message_id!r}: there is none")
    return File(row.content_type, bytes(row.content))


async def _set(tx: AsyncConnection, of: Of, values: dict[str, Any]) -> None:
    await tx.execute(update(media).where(*of.row, media.c.state == "waiting").values(**values))
