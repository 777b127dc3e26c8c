"""LINE's events that are no message: kept once each for ever, and listed where a person has to look."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.given import given_rows
from pharmacy.storage.paging import Page, page, read_cursor
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import erased_events, inbox, line_events, line_unsent

_PHARMACY = bindparam("pharmacy_id", type_=Text())
_GIVEN = given_rows(event_id=inbox.c.event_id, user_id=line_unsent.c.user_id,
              channel_message_id=line_unsent.c.channel_message_id)  # fmt: skip
_TAKEN = exists().where(
    inbox.c.pharmacy_id == _PHARMACY, inbox.c.channel == "line", inbox.c.event_id == _GIVEN.c.event_id
)
_GONE = exists().where(
    line_unsent.c.pharmacy_id == _PHARMACY, line_unsent.c.user_id == _GIVEN.c.user_id,
    line_unsent.c.channel_message_id == _GIVEN.c.channel_message_id,
)  # fmt: skip
# An event of a patient who was erased since then has left its hash only.
_ERASED = exists().where(
    erased_events.c.pharmacy_id == _PHARMACY,
    erased_events.c.event_hash == func.sha256(func.convert_to(_GIVEN.c.event_id, "UTF8")),
)
_KNOWN = select(_GIVEN.c.event_id, or_(_TAKEN, _ERASED).label("is_message"), _GONE.label("is_withdrawn")).select_from(
    _GIVEN
)


@dataclass(frozen=True)
class Kept:
    """What is kept of an event."""

    pharmacy_id: str
    event_id: str
    type: str
    state: str
    """done, ignored or parked."""

    said: str
    user_id: str | None
    raw: bytes | None
    """None where its content is not for us to keep."""

    redelivered: bool
    sent_at: datetime | None


@dataclass(frozen=True)
class Known:
    """What an event is known again by."""

    event_id: str
    user_id: str
    channel_message_id: str | None
    """None where the event brings no message of LINE's."""


async def keep(tx: AsyncConnection, kept: Kept) -> bool:
    """Keep the event; say whether it is new. A parked one stands in the audit trail."""
    new = upsert(line_events).values(**_row(kept)).on_conflict_do_nothing().returning(line_events.c.event_id)
    if (await tx.execute(new)).one_or_none() is None:
        return False
    if kept.state == "parked":
        said = {"type": kept.type, "bytes": len(kept.raw or b"")}
        await audit.append(tx, kept.pharmacy_id, "channel:line", "event_parked", kept.event_id, said)
    return True


async def keep_all(tx: AsyncConnection, events: Sequence[Kept]) -> None:
    """Keep events that nobody has to look at, all at once; those kept before stay as they are."""
    rows = [_row(kept) for kept in events]
    if rows:
        await tx.execute(upsert(line_events).on_conflict_do_nothing(), rows)


async def known(tx: AsyncConnection, pharmacy_id: str, of: Sequence[Known]) -> dict[str, tuple[bool, bool]]:
    """Say of each event whether it has become a message before, and whether its message has been withdrawn."""
    given = {f"given_{name}": [getattr(each, name) for each in of] for name in ("event_id", "user_id",
                                                                                "channel_message_id")}  # fmt: skip
    found = await tx.execute(_KNOWN, given | {"pharmacy_id": pharmacy_id})
    return {row.event_id: (row.is_message, row.is_withdrawn) for row in found}


async def note_unsent(tx: AsyncConnection, pharmacy_id: str, user_id: str, channel_message_id: str) -> None:
    """Remember that the message is withdrawn: it may come only after its withdrawal."""
    row = {"pharmacy_id": pharmacy_id, "user_id": user_id, "channel_message_id": channel_message_id}
    await tx.execute(upsert(line_unsent).values(**row).on_conflict_do_nothing())


async def forget_parked(tx: AsyncConnection, pharmacy_id: str, user_id: str) -> None:
    """Blank the bytes of events that could not be read and are the user's, or name the user somewhere."""
    named = func.position(func.convert_to(user_id, "UTF8").op("IN")(line_events.c.raw)) > 0
    where = (line_events.c.pharmacy_id == pharmacy_id, line_events.c.state == "parked", line_events.c.raw.is_not(None))
    mine = or_(line_events.c.user_id == user_id, named)
    await tx.execute(update(line_events).where(*where, mine).values(raw=None))


async def list_events(
    tx: AsyncConnection, pharmacy_id: str, *, state: str | None, limit: int, after: str | None
) -> Page:
    """Return the events that are no message, the newest first."""
    place = (line_events.c.received_at, line_events.c.event_id)
    found = select(line_events).where(line_events.c.pharmacy_id == pharmacy_id)
    if state is not None:
        found = found.where(line_events.c.state == state)
    if after:
        found = found.where(tuple_(*place) < tuple_(*read_cursor(after, (datetime, str))))
    rows = (await tx.execute(found.order_by(place[0].desc(), place[1].desc()).limit(limit + 1))).all()
    return page(list(rows), limit, _event_json, lambda row: [row.received_at.isoformat(), row.event_id])


def _row(kept: Kept) -> dict[str, Any]:
    return asdict(kept) | {"said": storable(kept.said)}


def _event_json(row: Any) -> dict[str, Any]:
    return {
        "event_id": row.event_id,
        "type": row.type,
        "state": row.state,
        "said": row.said,
        "redelivered": row.redelivered,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "received_at": row.received_at.isoformat(),
        "raw": bytes(row.raw).decode("utf-8", "replace") if row.state == "parked" and row.raw is not None else None,
    }
