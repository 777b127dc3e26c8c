"""What a row of the desk shows of its conversation: looked up for the few rows of one page, in the same statement."""

from typing import Any

from sqlalchemy import Select, and_, func, select, true
from sqlalchemy.sql.selectable import LateralFromClause

from pharmacy.storage.desk_tabs import unanswered
from pharmacy.storage.tables import conversations, messages, patients

GLIMPSE = 120
"""Characters of the last message that a row shows."""


def with_words(pharmacy_id: str, found: Select[Any], newest_first: bool, by_machines: bool) -> Select[Any]:
    """Return the rows of `found` with what is shown of each, in the order of their columns `place_0`, `place_1` …"""
    placed, waits, last = found.subquery("placed"), unanswered(by_machines=by_machines), _last_message()
    here = and_(conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == placed.c.id)
    of_patient = and_(patients.c.pharmacy_id == pharmacy_id, patients.c.id == conversations.c.patient_id)
    joined = placed.join(conversations, here).outerjoin(patients, of_patient)
    rows = select(
        conversations, *(column for column in placed.c if column.name != "id"), *last.c, *waits.c,
        patients.c.profile["name"].astext.label("patient_name"),
    ).select_from(joined.outerjoin(waits, true()).outerjoin(last, true()))  # fmt: skip
    places = [column for column in placed.c if column.name.startswith("place_")]
    return rows.order_by(*(column.desc() if newest_first else column for column in places))


def _last_message() -> LateralFromClause:
    newest = select(
        messages.c.author, messages.c.kind, func.left(messages.c.text, GLIMPSE).label("glimpse"), messages.c.sent_at
    ).where(messages.c.pharmacy_id == conversations.c.pharmacy_id, messages.c.conversation_id == conversations.c.id)
    newest = newest.order_by(messages.c.order_at.desc(), messages.c.id.desc()).limit(1)
    return newest.correlate(conversations).lateral("newest")
