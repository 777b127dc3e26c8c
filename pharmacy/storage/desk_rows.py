"""What a row of the desk shows of its conversation: looked up for the few rows of one page, in the same statement."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select, true
from sqlalchemy.sql.selectable import LateralFromClause

from pharmacy.storage.desk_tabs import unanswered
from pharmacy.storage.tables import conversations, messages, outbox, patients

GLIMPSE = 120
"""Characters of the last message that a row shows."""


def with_words(pharmacy_id: str, found: Select[Any], newest_first: bool, by_machines: bool) -> Select[Any]:
    """Return the rows of `found` with what is shown of each, in the order of their columns `place_0`, `place_1` …"""
    placed, waits = found.subquery("placed"), unanswered(by_machines=by_machines)
    last, text = _last_message(), _automatic_text()
    here = and_(conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == placed.c.id)
    of_patient = and_(patients.c.pharmacy_id == pharmacy_id, patients.c.id == conversations.c.patient_id)
    joined = placed.join(conversations, here).outerjoin(patients, of_patient)
    rows = select(
        conversations, *(column for column in placed.c if column.name != "id"), *last.c, *waits.c, *text.c,
        patients.c.profile["name"].astext.label("patient_name"),
    ).select_from(joined.outerjoin(waits, true()).outerjoin(last, true()).outerjoin(text, true()))  # fmt: skip
    places = [column for column in placed.c if column.name.startswith("place_")]
    return rows.order_by(*(column.desc() if newest_first else column for column in places))


def _last_message() -> LateralFromClause:
    newest = select(
        messages.c.author, messages.c.kind, func.left(messages.c.text, GLIMPSE).label("glimpse"), messages.c.sent_at
    ).where(messages.c.pharmacy_id == conversations.c.pharmacy_id, messages.c.conversation_id == conversations.c.id)
    newest = newest.order_by(messages.c.order_at.desc(), messages.c.id.desc()).limit(1)
    return newest.correlate(conversations).lateral("newest")


def _automatic_text() -> LateralFromClause:
    """Return what became of the newest text that was to go out by itself, one that still waits before all others."""
    waits = outbox.c.state == "queued"
    found = select(
        outbox.c.state.label("text_state"), outbox.c.version.label("text_version"), outbox.c.attempts,
        outbox.c.not_before, outbox.c.sent_at.label("text_sent_at"), outbox.c.problem, outbox.c.problem_code,
        outbox.c.in_doubt,
    ).where(
        outbox.c.pharmacy_id == conversations.c.pharmacy_id, outbox.c.conversation_id == conversations.c.id,
        outbox.c.automatic, or_(waits, outbox.c.kind == "reply"),
    )  # fmt: skip
    newest = found.order_by(waits.desc(), outbox.c.created_at.desc()).limit(1)
    return newest.correlate(conversations).lateral("automatic_text")
