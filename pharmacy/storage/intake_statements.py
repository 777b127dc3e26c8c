"""The statements that take messages, many at once or one, built once: building them anew would cost as much again."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from pharmacy.storage.given import given_rows
from pharmacy.storage.order import after_everything, among_waiting
from pharmacy.storage.tables import conversations, inbox, messages, patients, suggestions

_PHARMACY = bindparam("given_pharmacy_id", type_=Text())
_IDS = bindparam("given_ids", type_=ARRAY(Text()))


HELD = (
    select(conversations)
    .where(conversations.c.pharmacy_id == _PHARMACY, conversations.c.id == func.any(_IDS))
    .order_by(conversations.c.id)
    .with_for_update()
)
"""The conversations' rows, held until the transaction ends; in one order, so that nobody waits in a circle."""

_NEW = given_rows(id=conversations.c.id, patient_id=conversations.c.patient_id)
_PATIENTS = (
    upsert(patients)
    .from_select(
        ["pharmacy_id", "id", "profile"],
        select(_PHARMACY, _NEW.c.patient_id, literal({}, patients.c.profile.type)).order_by(_NEW.c.patient_id),
    )
    .on_conflict_do_nothing()
)
BEGUN = (
    upsert(conversations)
    .from_select(
        ["pharmacy_id", "id", "patient_id", "channel", "phase"],
        select(
            _PHARMACY, _NEW.c.id, _NEW.c.patient_id, bindparam("given_channel", type_=Text()),
            bindparam("given_phase", type_=Text()),
        ).order_by(_NEW.c.id),
    )
    .on_conflict_do_nothing()
    .returning(*conversations.c)
    .add_cte(_PATIENTS.cte("patients_begun"))
)  # fmt: skip
"""New conversations' rows with their patients'; without those that another delivery has just made."""

_MESSAGES = select(
    given_rows(
    event_id=inbox.c.event_id, conversation_id=messages.c.conversation_id, message_id=messages.c.id,
    version=messages.c.version, kind=messages.c.kind, text=messages.c.text, sent_at=messages.c.sent_at,
    hits=messages.c.hits, channel_message_id=messages.c.channel_message_id, redelivered=messages.c.redelivered,
    raw=inbox.c.raw, raw_hash=inbox.c.raw_hash,
    )
).cte("given")  # fmt: skip
# Two conversations may be told the same id at once; the lock of neither keeps the other out, this row does. All else is
# written only where it is new.
_ARRIVED = (
    upsert(inbox)
    .from_select(
        ["pharmacy_id", "channel", "event_id", "message_id", "raw", "raw_hash"],
        select(
            _PHARMACY, bindparam("given_channel", type_=Text()), _MESSAGES.c.event_id, _MESSAGES.c.message_id,
            _MESSAGES.c.raw, _MESSAGES.c.raw_hash,
        ),
    )
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
    .cte("arrived")
)  # fmt: skip
_FRESH = select(_MESSAGES).join(_ARRIVED, _ARRIVED.c.event_id == _MESSAGES.c.event_id).cte("fresh")
_RAISED = (
    update(conversations)
    .where(conversations.c.pharmacy_id == _PHARMACY, conversations.c.id == _FRESH.c.conversation_id)
    .values(version=_FRESH.c.version, last_message_at=func.now(), snoozed_until=None)
)
# What was written before these messages may no longer answer them.
_OUTDATED = (
    update(suggestions)
    .where(
        suggestions.c.pharmacy_id == _PHARMACY,
        suggestions.c.conversation_id == _FRESH.c.conversation_id,
        suggestions.c.state == "open",
    )
    .values(state="superseded", decided_at=func.now(), decided_by="newer message")
)


def _written(place: ColumnElement[Any]) -> Any:
    as_given = ("conversation_id", "version", "kind", "text", "sent_at", "hits", "channel_message_id", "redelivered")
    of_message: dict[str, Any] = {name: _FRESH.c[name] for name in as_given} | {
        "pharmacy_id": _PHARMACY,
        "id": _FRESH.c.message_id,
        "author": literal("patient"),
        "order_at": place,
    }
    message = insert(messages).from_select([*of_message], select(*of_message.values()))
    return select(_ARRIVED.c.event_id).add_cte(message.cte("message"), _RAISED.cte("raised"), _OUTDATED.cte("outdated"))


WRITTEN = _written(after_everything(_PHARMACY, _FRESH.c.conversation_id))
"""Write messages that stand where they arrive, each of another conversation: inbox, message, version, outdated draft.

One row for each whose event is new."""

WRITTEN_IN_TIME = _written(among_waiting(_PHARMACY, _FRESH.c.conversation_id, _FRESH.c.sent_at))
"""The same for messages that stand by their own time among those that wait."""
