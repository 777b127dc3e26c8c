"""Where a message stands in its conversation: by the time its author sent it, while it waits; else as it arrives."""

from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, not_, select, text

from pharmacy.storage.tables import messages

_A_MOMENT = text("interval '1 microsecond'")
_WAITS = and_(messages.c.author == "patient", messages.c.outcome_id.is_(None))

Id = str | ColumnElement[str]
"""A value, or its place in a statement that is built before the value is known."""


def after_everything(pharmacy_id: Id, conversation_id: Id) -> ColumnElement[datetime]:
    """Return the place of a message that stands where it arrives: after all others."""
    return func.greatest(func.clock_timestamp(), _last(pharmacy_id, conversation_id))


def among_waiting(
    pharmacy_id: Id, conversation_id: Id, sent_at: datetime | ColumnElement[datetime]
) -> ColumnElement[datetime]:
    """Return the place of a patient's message by its own time among those that wait, behind what is answered.

    A message that comes days late, or with a time to come, still stands where a person who reads on will see it.
    """
    settled = _last(pharmacy_id, conversation_id, not_(_WAITS))
    return func.greatest(func.least(sent_at, func.clock_timestamp()), settled)


def _last(pharmacy_id: Id, conversation_id: Id, *which: ColumnElement[bool]) -> ScalarSelect[datetime]:
    where = (messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id, *which)
    return select(func.max(messages.c.order_at) + _A_MOMENT).where(*where).scalar_subquery()
