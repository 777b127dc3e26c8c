"""Replies that a pharmacy's people use again: kept under short names, each change resting on what was read."""

from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.refusals import Conflict, NotHere, Stale
from pharmacy.storage.tables import canned_replies

MOST = 500
"""How many one pharmacy keeps."""


async def list_canned(tx: AsyncConnection, pharmacy_id: str) -> list[dict[str, Any]]:
    """Return every one of the pharmacy's, by name."""
    found = select(canned_replies).where(canned_replies.c.pharmacy_id == pharmacy_id)
    return [canned_json(row) for row in await tx.execute(found.order_by(canned_replies.c.name))]


async def put_canned(
    tx: AsyncConnection, pharmacy_id: str, name: str, actor: str, words: str, read_version: int
) -> dict[str, Any]:
    """Keep `words` under `name` and return the row; the same words again are no change.

    Args:
        read_version: the version that was read; 0 where there was none.

    Raises:
        NotHere: what was read is gone.
        Stale: it was changed, or made, since.
        Conflict: the pharmacy keeps as many as it can.
    """
    before = await _held(tx, pharmacy_id, name)
    if before is not None and before.text == words:
        return canned_json(before)
    if before is None and read_version:
        raise _gone(name)
    _refuse_other(before, read_version)
    row = {"text": words, "set_by": actor, "version": read_version + 1, "updated_at": func.now()}
    if before is None:
        await _refuse_one_too_many(tx, pharmacy_id)
        change: Any = insert(canned_replies).values(**row, pharmacy_id=pharmacy_id, name=name, id=uuid4())
    else:
        change = update(canned_replies).where(*_named(pharmacy_id, name)).values(**row)
    kept = (await tx.execute(change.returning(canned_replies))).one()
    await audit.append(tx, pharmacy_id, actor, "canned_reply_put", str(kept.id), {"version": kept.version})
    return canned_json(kept)


async def remove_canned(tx: AsyncConnection, pharmacy_id: str, name: str, actor: str, read_version: int) -> None:
    """Keep it no longer.

    Raises:
        NotHere: there is none.
        Stale: it was changed since it was read.
    """
    before = await _held(tx, pharmacy_id, name)
    if before is None:
        raise _gone(name)
    _refuse_other(before, read_version)
    await tx.execute(delete(canned_replies).where(*_named(pharmacy_id, name)))
    await audit.append(tx, pharmacy_id, actor, "canned_reply_removed", str(before.id), {"version": before.version})


def canned_json(row: Any) -> dict[str, Any]:
    """Return a row as the API shows it."""
    return {
        "name": row.name,
        "text": row.text,
        "version": row.version,
        "set_by": row.set_by,
        "updated_at": row.updated_at.isoformat(),
    }


async def _held(tx: AsyncConnection, pharmacy_id: str, name: str) -> Any | None:
    """Return the row; until the transaction ends nobody else changes any of the pharmacy's."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('canned:' || :p, 0))"), {"p": pharmacy_id})
    return (await tx.execute(select(canned_replies).where(*_named(pharmacy_id, name)))).one_or_none()


def _named(pharmacy_id: str, name: str) -> tuple[Any, Any]:
    return canned_replies.c.pharmacy_id == pharmacy_id, canned_replies.c.name == name


def _refuse_other(before: Any | None, read_version: int) -> None:
    now = before.version if before is not None else 0
    if now != read_version:
        raise Stale(f"version = {read_version!r}: the canned reply is at {now}; read it again", now)


async def _refuse_one_too_many(tx: AsyncConnection, pharmacy_id: str) -> None:
    of = select(func.count()).select_from(canned_replies).where(canned_replies.c.pharmacy_id == pharmacy_id)
    if (await tx.execute(of)).scalar_one() >= MOST:
        raise Conflict(f"{MOST} canned replies are kept already; expected one to be removed first")


def _gone(name: str) -> NotHere:
    return NotHere(f"canned reply {name!r}: there is none")
