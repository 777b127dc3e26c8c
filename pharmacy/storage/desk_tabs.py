"""Where a conversation stands on a pharmacist's desk: in one of four tabs, asleep or not, waiting since when."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Exists,
    ScalarSelect,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from pharmacy.domain.conversation import Author, Kind
from pharmacy.domain.gates.hit import Tier
from pharmacy.storage.outbox_queue import FIXED
from pharmacy.storage.tables import conversations, handovers, messages, outbox, requests, runs, suggestions


class Tab(StrEnum):
    """What a conversation asks of a person; one that asks several things stands in the first of these."""

    PERSON = "person"
    """A case is open, or a person has taken it over."""

    CHECK = "check"
    """A draft waits for a decision, or is being written."""

    AUTOMATIC = "automatic"
    """A text that goes out by itself is held, or was the newest answer, within the last day."""

    DONE = "done"
    """Nothing waits."""


_WISH_LIVES = text("interval '10 minutes'")
"""A wish for a draft that has led to nothing for so long is no work in progress."""

_DAY = text("interval '1 day'")
_TWO_DAYS = text("interval '2 days'")


def _of_conversation(of: Any) -> ColumnElement[bool]:
    return and_(of.c.pharmacy_id == conversations.c.pharmacy_id, of.c.conversation_id == conversations.c.id)


def _is_there(of: Any, *where: ColumnElement[bool]) -> Exists:
    return exists(select(literal(1)).select_from(of).where(_of_conversation(of), *where))


OPEN_ITEMS = conversations.outerjoin(
    suggestions, and_(_of_conversation(suggestions), suggestions.c.state == "open")
).outerjoin(handovers, and_(_of_conversation(handovers), handovers.c.state == "open"))
"""Conversations with their open suggestion and their open case; there is one of each at most."""


def _in_work() -> ColumnElement[bool]:
    """Say whether the flow owes the conversation something: to a message of the patient's, or to a wish for a draft."""
    unheard = _is_there(messages, messages.c.author == Author.PATIENT, messages.c.outcome_id.is_(None))
    ended = exists().where(runs.c.request_id == requests.c.id, runs.c.state != "running")
    wished = _is_there(
        requests, requests.c.created_at > func.now() - _WISH_LIVES, requests.c.dropped_at.is_(None),
        requests.c.version == conversations.c.version, ~ended,
    )  # fmt: skip
    return or_(unheard, wished)


def _by_itself() -> ColumnElement[bool]:
    sent, newer = outbox.alias("sent"), outbox.alias("newer")
    answered_since = exists().where(
        newer.c.pharmacy_id == sent.c.pharmacy_id, newer.c.conversation_id == sent.c.conversation_id,
        newer.c.kind == "reply", newer.c.state == "sent", newer.c.sent_at > sent.c.sent_at,
    )  # fmt: skip
    lately = _is_there(
        sent, sent.c.automatic, sent.c.kind == "reply", sent.c.state == "sent", sent.c.sent_at > func.now() - _DAY,
        # Held for at most a quarter of an hour and tried for less than a day: the index knows when it was written.
        sent.c.created_at > func.now() - _TWO_DAYS, ~answered_since,
    )  # fmt: skip
    return or_(_is_there(outbox, outbox.c.automatic, outbox.c.state == "queued"), lately)


_ASKS = {
    Tab.PERSON: or_(handovers.c.id.is_not(None), conversations.c.taken_over_by.is_not(None)),
    Tab.CHECK: or_(suggestions.c.id.is_not(None), _in_work()),
    Tab.AUTOMATIC: _by_itself(),
    Tab.DONE: true(),
}

TAB = case(*((asks, literal(tab.value)) for tab, asks in _ASKS.items())).label("tab")
"""The conversation's one tab, over `OPEN_ITEMS`."""

ASLEEP = and_(
    conversations.c.snoozed_until.is_not(None),
    conversations.c.snoozed_until > func.now(),
    func.coalesce(handovers.c.tier, "").not_in([Tier.E, Tier.U]),
)
"""Whether it is snoozed, over `OPEN_ITEMS`; no snooze hides an emergency or an urgent case."""


def unanswered(*, by_machines: bool) -> LateralFromClause:
    """Return, for each conversation, `messages_waiting` and the oldest one's `since`.

    A patient's message is answered by whatever read its version and then ended: a reply that was sent, a draft refused
    because the matter was dealt with, a case that was closed. Approved words of receipt answer nothing.

    Args:
        by_machines: whether a reply that went out by itself answers, too.
    """
    theirs = messages.alias("theirs")
    found = select(func.count().label("messages_waiting"), func.min(theirs.c.received_at).label("since")).where(
        _of_conversation(theirs), theirs.c.author == Author.PATIENT, theirs.c.kind != Kind.UNSENT,
        theirs.c.version > func.coalesce(func.greatest(*_answered_versions(by_machines)), 0),
    )  # fmt: skip
    return found.correlate(conversations).lateral("waits")


def _answered_versions(by_machines: bool) -> list[ScalarSelect[Any]]:
    ours, refused, closed = messages.alias("ours"), suggestions.alias("refused"), handovers.alias("closed")
    answering = [Author.PHARMACIST, Author.MACHINE] if by_machines else [Author.PHARMACIST]
    ended = (
        (ours, and_(ours.c.author.in_(answering), ours.c.kind != FIXED)),
        (refused, and_(refused.c.state == "rejected", refused.c.decision["code"].astext == "handled")),
        (closed, closed.c.state == "resolved"),
    )
    return [
        select(func.max(of.c.version)).where(_of_conversation(of), which).correlate(conversations).scalar_subquery()
        for of, which in ended
    ]
