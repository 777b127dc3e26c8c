"""Who writes over LINE: each user id's conversation, and whether the patient still lets the account write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.given import given_rows
from pharmacy.storage.tables import line_contacts

_NEW = upsert(line_contacts).values(
    pharmacy_id=bindparam("pharmacy_id"), user_id=bindparam("user_id"), conversation_id=bindparam("conversation_id")
)
# An update that changes nothing: it locks the row, and gives back the one that was there.
_HELD = _NEW.on_conflict_do_update(
    index_elements=["pharmacy_id", "user_id"], set_={"user_id": _NEW.excluded.user_id}
).returning(line_contacts)

# What was heard of later than `at` stays as it is.
_AT = bindparam("at", type_=line_contacts.c.follow_changed_at.type)


def _newest(at: Any) -> ColumnElement[bool]:
    return or_(line_contacts.c.follow_changed_at.is_(None), line_contacts.c.follow_changed_at <= at)


_SAID = given_rows(user_id=line_contacts.c.user_id, conversation_id=line_contacts.c.conversation_id,
             at=line_contacts.c.follow_changed_at)  # fmt: skip
_ALL = upsert(line_contacts).from_select(
    ["pharmacy_id", "user_id", "conversation_id", "follow_changed_at"],
    # In one order, so that nobody waits in a circle.
    select(bindparam("pharmacy_id", type_=Text()), _SAID.c.user_id, _SAID.c.conversation_id, _SAID.c.at).order_by(
        _SAID.c.user_id
    ),
)
_THEN = _ALL.excluded.follow_changed_at
_HEARD = _ALL.on_conflict_do_update(
    index_elements=["pharmacy_id", "user_id"],
    set_={
        "blocked_at": case((_newest(_THEN), None), else_=line_contacts.c.blocked_at),
        "follow_changed_at": case((_newest(_THEN), _THEN), else_=line_contacts.c.follow_changed_at),
    },
).returning(line_contacts)
_CHANGED = (
    update(line_contacts)
    .where(
        and_(line_contacts.c.pharmacy_id == bindparam("of_pharmacy"), line_contacts.c.user_id == bindparam("of_user"))
    )
    .where(_newest(_AT))
    .values(blocked_at=bindparam("blocked_at"), follow_changed_at=_AT)
)


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
    return _contact((await tx.execute(_HELD, _row(pharmacy_id, user_id))).one())


async def heard(tx: AsyncConnection, pharmacy_id: str, wrote: Mapping[str, datetime]) -> dict[str, Contact]:
    """Return the contacts as `held` does; who writes has not left, even where the event that said so was lost.

    Args:
        wrote: each user with when they wrote; what was heard of them later stays as it is.
    """
    said = {"given_user_id": [*wrote], "given_at": [*wrote.values()],
            "given_conversation_id": [_new_conversation() for _ in wrote]}  # fmt: skip
    found = await tx.execute(_HEARD, said | {"pharmacy_id": pharmacy_id})
    return {row.user_id: _contact(row) for row in found}


async def of_conversation(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Contact | None:
    """Return whom the conversation is with, or None when LINE never told of anybody."""
    where = (line_contacts.c.pharmacy_id == pharmacy_id, line_contacts.c.conversation_id == conversation_id)
    found = (await tx.execute(select(line_contacts).where(*where))).one_or_none()
    return _contact(found) if found else None


async def set_blocked(tx: AsyncConnection, pharmacy_id: str, user_id: str, at: datetime, *, blocked: bool) -> bool:
    """Note that the patient left or came back at `at`; say whether it is the newest that was heard of."""
    values = {"of_pharmacy": pharmacy_id, "of_user": user_id, "at": at, "blocked_at": at if blocked else None}
    return bool((await tx.execute(_CHANGED, values)).rowcount)


def _row(pharmacy_id: str, user_id: str) -> dict[str, Any]:
    return {"pharmacy_id": pharmacy_id, "user_id": user_id, "conversation_id": _new_conversation()}


def _new_conversation() -> str:
    return f"line-{uuid4().hex}"


def _contact(row: Any) -> Contact:
    return Contact(row.user_id, row.conversation_id, row.blocked_at is not None)
