"""The automatic texts that wait to go out and that a person may still take back."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.paging import Page, page, read_cursor
from pharmacy.storage.tables import conversations, outbox, patients

_GOES_AT = func.coalesce(outbox.c.not_before, outbox.c.created_at)
_ID = cast(outbox.c.id, Text)


async def list_held(tx: AsyncConnection, pharmacy_id: str, *, limit: int, after: str | None) -> Page:
    """Return the texts, the one that goes first first, each with its conversation and whose it is."""
    left = func.greatest(0, func.extract("epoch", _GOES_AT - func.clock_timestamp())).label("seconds_left")
    name = patients.c.profile["name"].astext.label("patient_name")
    of = (conversations.c.pharmacy_id == outbox.c.pharmacy_id) & (conversations.c.id == outbox.c.conversation_id)
    whose = (patients.c.pharmacy_id == conversations.c.pharmacy_id) & (patients.c.id == conversations.c.patient_id)
    found = select(outbox, _GOES_AT.label("goes_at"), left, name).join(conversations, of).outerjoin(patients, whose)
    found = found.where(*_held(pharmacy_id))
    if after:
        found = found.where(tuple_(_GOES_AT, _ID) > tuple_(*read_cursor(after, (datetime, str))))
    rows = (await tx.execute(found.order_by(_GOES_AT, _ID).limit(limit + 1))).all()
    return page(list(rows), limit, _json, lambda row: [row.goes_at.isoformat(), str(row.id)])


async def count_held(tx: AsyncConnection, pharmacy_id: str) -> int:
    """Return how many there are."""
    found = select(func.count()).select_from(outbox).where(*_held(pharmacy_id))
    return int((await tx.execute(found)).scalar_one())


def _held(pharmacy_id: str) -> tuple[ColumnElement[bool], ...]:
    return (outbox.c.pharmacy_id == pharmacy_id, outbox.c.automatic, outbox.c.state == "queued", outbox.c.attempts == 0)


def _json(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "conversation_id": row.conversation_id,
        "patient_name": row.patient_name,
        "text": row.text,
        "kind": row.kind,
        "category": row.category,
        "phase": row.phase,
        "policy_version": row.policy_version,
        "goes_at": row.goes_at.isoformat(),
        "seconds_left": float(row.seconds_left),
        "created_at": row.created_at.isoformat(),
    }
