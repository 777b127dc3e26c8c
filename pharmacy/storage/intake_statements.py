"""The statements that take a message, built once: building them anew would cost as much as sending them."""

from typing import Any

from sqlalchemy import BindParameter, Column, Text, and_, bindparam, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from pharmacy.storage.order import after_everything, among_waiting
from pharmacy.storage.tables import conversations, inbox, messages, patients, suggestions


def _given(name: str, column: Column[Any] | None = None) -> BindParameter[Any]:
    """Return the place of a value; its name tells it from the columns."""
    return bindparam(f"given_{name}", type_=column.type if column is not None else Text())


_SCOPE = (_given("pharmacy_id"), _given("conversation_id"))
_MINE = and_(conversations.c.pharmacy_id == _SCOPE[0], conversations.c.id == _SCOPE[1])

HELD = select(conversations).where(_MINE).with_for_update()
"""The conversation's row, held until the transaction ends."""

_PATIENT = upsert(patients).values(
    pharmacy_id=_SCOPE[0], id=_given("patient_id"), profile=_given("profile", patients.c.profile)
)
BEGUN = (
    upsert(conversations)
    .values(
        pharmacy_id=_SCOPE[0], id=_SCOPE[1], patient_id=_given("patient_id"), channel=_given("channel"),
        phase=_given("phase"),
    )
    .on_conflict_do_nothing()
    .returning(*conversations.c)
    .add_cte(_PATIENT.on_conflict_do_nothing().cte("patient"))
)  # fmt: skip
"""A new conversation's row with its patient's; nothing when another delivery has just made it."""

# Two conversations may be told the same id at once; the lock of neither keeps the other out, this row does. All else is
# written only where it is new.
_ARRIVED = (
    upsert(inbox)
    .values(
        pharmacy_id=_SCOPE[0], channel=_given("channel"), event_id=_given("event_id"), message_id=_given("message_id"),
        raw=_given("raw", inbox.c.raw), raw_hash=_given("raw_hash"),
    )
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
    .cte("arrived")
)  # fmt: skip
_IS_NEW = exists(select(_ARRIVED.c.event_id))
_RAISED = update(conversations).where(_MINE, _IS_NEW).values(
    version=_given("version", conversations.c.version), last_message_at=func.now(), snoozed_until=None
)  # fmt: skip
# What was written before this message may no longer answer it.
_OUTDATED = (
    update(suggestions)
    .where(
        suggestions.c.pharmacy_id == _SCOPE[0], suggestions.c.conversation_id == _SCOPE[1],
        suggestions.c.state == "open", _IS_NEW,
    )
    .values(state="superseded", decided_at=func.now(), decided_by="newer message")
)  # fmt: skip


def _written(place: Any) -> Any:
    of_message = {
        "pharmacy_id": _SCOPE[0],
        "conversation_id": _SCOPE[1],
        "id": _given("message_id"),
        "version": _given("version", messages.c.version),
        "author": literal("patient"),
        "order_at": place,
    } | {
        name: _given(name, messages.c[name])
        for name in ("kind", "text", "sent_at", "hits", "channel_message_id", "redelivered")
    }
    message = insert(messages).from_select([*of_message], select(*of_message.values()).select_from(_ARRIVED))
    return select(_ARRIVED.c.event_id).add_cte(message.cte("message"), _RAISED.cte("raised"), _OUTDATED.cte("outdated"))


WRITTEN = _written(after_everything(*_SCOPE))
"""Write a message that stands where it arrives: inbox, message, version, outdated suggestion.

One row, or none when the event's id has been used."""

WRITTEN_IN_TIME = _written(among_waiting(*_SCOPE, _given("sent_at", messages.c.sent_at)))
"""The same for a message that stands by its own time among those that wait."""
