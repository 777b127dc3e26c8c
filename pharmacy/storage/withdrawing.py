"""Withdraw a message that its patient unsent: its words leave every record, and a person is told that it was there."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Outcome
from pharmacy.storage import audit, cases, media, outcomes, unanswered
from pharmacy.storage.cases import Bell
from pharmacy.storage.dataset_turns import take_turn
from pharmacy.storage.holding import locked
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import (
    annotation_items,
    annotation_labels,
    conversations,
    dataset_rows,
    handovers,
    messages,
    model_calls,
    outbox,
    reply_cache,
    runs,
    shadow_answers,
    suggestions,
)
from pharmacy.storage.tables import outcomes as outcome_rows

SAID = "the patient withdrew a message"
_KEPT_WORDS = ("approved", "automatic", "edited")
"""States of suggestions whose text was sent: what the patient has received stays on record."""


async def withdraw(
    tx: AsyncConnection,
    bell: Bell,
    pharmacy_id: str,
    conversation_id: str,
    channel_message_id: str,
    handed_over: Callable[[str, Sequence[GateHit]], Outcome],
) -> bool:
    """Withdraw the conversation's messages that the channel calls so; say whether there were any.

    The conversation's version rises: a run in work ends without an outcome, no draft written before can be approved,
    and no text that waits in the outbox goes out. The messages that wait come to a person.

    Args:
        handed_over: the outcome of those messages, made from the phase and from what the gates found in them.
    """
    try:
        conversation = await locked(tx, pharmacy_id, conversation_id)
    except NotHere:
        return False
    mine = (messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id,
            messages.c.channel_message_id == channel_message_id, messages.c.kind != Kind.UNSENT.value)  # fmt: skip
    withdrawn = (await tx.execute(select(messages).where(*mine))).all()
    if not withdrawn:
        return False
    for message in withdrawn:
        await _blank(tx, message)
    since = min(message.version for message in withdrawn)
    await _forget_derived(tx, pharmacy_id, conversation_id, since)
    await _call_a_person(tx, bell, conversation, handed_over)
    for message in withdrawn:
        said = {"conversation": conversation_id, "version": message.version}
        await audit.append(tx, pharmacy_id, "channel:line", "message_withdrawn", message.id, said)
    return True


async def _blank(tx: AsyncConnection, message: Any) -> None:
    hits = [hit | {"matched": ""} for hit in message.hits]
    values = {"text": "", "kind": Kind.UNSENT.value, "hits": hits}
    await tx.execute(update(messages).where(messages.c.seq == message.seq).values(**values))
    await tx.execute(text("SELECT kakari_redact_event('line', :event)"), {"event": message.id})
    await media.withdraw(tx, media.Of(message.pharmacy_id, message.conversation_id, message.id))


async def _forget_derived(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, since: int) -> None:
    """Blank what machines wrote from version `since` on: each of it may hold the message's words."""

    def from_then(of: Table) -> ColumnElement[bool]:
        mine = and_(of.c.pharmacy_id == pharmacy_id, of.c.conversation_id == conversation_id)
        return and_(mine, of.c.version >= since)

    never_left = from_then(outbox) & outbox.c.automatic & (outbox.c.state != "sent") & (outbox.c.attempts == 0)
    let_go = suggestions.c.id.in_(select(outbox.c.suggestion_id).where(never_left))
    unsaid = from_then(suggestions) & (suggestions.c.state.not_in(_KEPT_WORDS) | let_go)
    await tx.execute(update(suggestions).where(unsaid).values(text=""))
    await tx.execute(update(outbox).where(never_left).values(text=""))
    closed = {"state": "superseded", "decided_at": func.now(), "decided_by": SAID}
    await tx.execute(update(suggestions).where(from_then(suggestions), suggestions.c.state == "open").values(**closed))
    for table in (suggestions, outcome_rows):
        for row in (await tx.execute(select(table.c.id, table.c.body).where(from_then(table)))).all():
            await tx.execute(update(table).where(table.c.id == row.id).values(body=without_words(row.body)))
    for case in (await tx.execute(select(handovers).where(from_then(handovers)))).all():
        await tx.execute(update(handovers).where(handovers.c.id == case.id).values(**_case_without_words(case, since)))
    of_run = select(runs.c.id).where(from_then(runs))
    calls = (model_calls.c.pharmacy_id == pharmacy_id, model_calls.c.run_id.in_(of_run))
    await tx.execute(update(model_calls).where(*calls).values(blanks={}, output=None))
    await tx.execute(update(shadow_answers).where(from_then(shadow_answers)).values(output=None, said={}))
    heard = (reply_cache.c.pharmacy_id == pharmacy_id, reply_cache.c.run_id.in_(of_run))
    await tx.execute(delete(reply_cache).where(*heard))
    await _forget_annotations(tx, pharmacy_id, of_run)
    await take_turn(tx, pharmacy_id)
    learnt = (dataset_rows.c.pharmacy_id == pharmacy_id, dataset_rows.c.conversation_id == conversation_id)
    await tx.execute(delete(dataset_rows).where(*learnt, dataset_rows.c.conversation_version >= since))


async def _forget_annotations(tx: AsyncConnection, pharmacy_id: str, of_run: Select[Any]) -> None:
    """Forget what people said of those runs on looking again, and let nobody look at them any more."""
    said = (annotation_labels.c.pharmacy_id == pharmacy_id, annotation_labels.c.run_id.in_(of_run))
    await tx.execute(delete(annotation_labels).where(*said))
    items = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id.in_(of_run),
             annotation_items.c.done_at.is_(None))  # fmt: skip
    done = {"done_at": func.now(), "done_by": SAID, "reserved_by": None, "reserved_until": None}
    await tx.execute(update(annotation_items).where(*items).values(**done))


def _case_without_words(case: Any, since: int) -> dict[str, Any]:
    """Return what a case keeps: which rules held its messages, and no words of those from version `since` on."""
    rules = dict.fromkeys(hit["rule"] for entry in case.reasons for hit in entry["hits"])
    return {
        "reasons": [entry if entry["version"] < since else without_words(entry) for entry in case.reasons],
        "detail": f"{SAID}; held by {', '.join(rules)}" if rules else SAID,
        "drafts": [],
    }


async def _call_a_person(
    tx: AsyncConnection, bell: Bell, before: Any, handed_over: Callable[[str, Sequence[GateHit]], Outcome]
) -> None:
    of, version = (before.pharmacy_id, before.id), before.version + 1
    mine = (conversations.c.pharmacy_id == of[0], conversations.c.id == of[1])
    now = {"version": version, "withdrawn_version": version, "last_message_at": func.now(), "snoozed_until": None}
    await tx.execute(update(conversations).where(*mine).values(**now))
    if await unanswered.count(tx, *of):
        outcome = handed_over(before.phase, await unanswered.hits(tx, *of))
        await outcomes.write_handover(tx, bell, outcomes.Covered(*of, version), outcome)
    else:
        await cases.open_case(tx, await locked(tx, *of), Kind.UNSENT.value, SAID)


def without_words(body: Any) -> Any:
    """Return a record's body without what a model or a gate wrote in its own words; names, marks and codes stay."""
    if isinstance(body, list):
        return [without_words(each) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        name: "" if name in _WORDS and isinstance(value, str) else without_words(value) for name, value in body.items()
    }


_WORDS = frozenset({"detail", "matched", "reason", "reply", "said", "says", "text"})
