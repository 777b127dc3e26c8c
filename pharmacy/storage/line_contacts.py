"""Who writes over LINE: each user id's conversation, and whether the patient still lets the account write."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import line_contacts

_NEW = upsert(line_contacts).values(
    pharmacy_id=bindparam("pharmacy_id"), user_id=bindparam("user_id"), conversation_id=bindparam("conversation_id")
)
# An update that changes nothing: it locks the row, and gives back the one that was there.
_HELD = _NEW.on_conflict_do_update(
    index_elements=["pharmacy_id", "user_id"], set_={"user_id": _NEW.excluded.user_id}
).returning(line_contacts)


@dataclass(frozen=True)
class Contact:
    """One patient at LINE."""

    user_id: str
    conversation_id: str
    blocked: bool


async def held(tx: AsyncConnection, pharmacy_id: str, user_id: str) -> Contact:
    """Return the contact, made if need be, and held until the transaction ends: its events take turns.

    Every event of a contact takes this lock first, then the conversation's.
    """
    row = {"pharmacy_id": pharmacy_id, "user_id": user_id, "conversation_id": f"line-{uuid4().hex}"}
    found = (await tx.execute(_HELD, row)).one()
    return Contact(found.user_id, found.conversation_id, found.blocked_at is not None)


async def of_conversation(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Contact | None:
    """Return whom the conversation is with, or None when LINE never told of anybody."""
    where = (line_contacts.c.pharmacy_id == pharmacy_id, line_contacts.c.conversation_id == conversation_id)
    found = (await tx.execute(select(line_contacts).where(*where))).one_or_none()
    return Contact(found.user_id, found.conversation_id, found.blocked_at is not None) if found else None


async def set_blocked(tx: AsyncConnection, pharmacy_id: str, user_id: str, at: datetime, *, blocked: bool) -> bool:
    """Note that the patient left or came back at `at`; say whether it is the newest that was heard of."""
    newest = or_(line_contacts.c.follow_changed_at.is_(None), line_contacts.c.follow_changed_at <= at)
    where = (line_contacts.c.pharmacy_id == pharmacy_id, line_contacts.c.user_id == user_id, newest)
    values = {"blocked_at": at if blocked else None, "follow_changed_at": at}
    return bool((await tx.execute(update(line_contacts).where(*where).values(**values))).rowcount)
