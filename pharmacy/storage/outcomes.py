"""Write what a run proposed, by a person's hand or none, and the outcome of each message it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.domain.outcome_json import drafts_json, outcome_json, reached_json, steps_json
from pharmacy.storage import audit, moves
from pharmacy.storage.audit_told import told_of_outcome
from pharmacy.storage.cases import Bell, Called, open_or_join
from pharmacy.storage.notices import notify
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, messages, outcomes, suggestions

NO_IDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Covered:
    """What an outcome answers: the conversation's patient messages up to `version` that have none yet."""

    pharmacy_id: str
    conversation_id: str
    version: int
    run_id: UUID | None = None
    """None for an emergency, which intake hands over by itself."""

    calls: tuple[ModelCall, ...] = ()
    """Every model call of the run, for the audit trail."""

    @property
    def scope(self) -> dict[str, str]:
        """The columns that every row of the conversation carries."""
        return {"pharmacy_id": self.pharmacy_id, "conversation_id": self.conversation_id}

    def rows_of(self, of: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return the condition for the conversation's rows in a table."""
        return of.c.pharmacy_id == self.pharmacy_id, of.c.conversation_id == self.conversation_id


async def write(tx: AsyncConnection, bell: Bell, covered: Covered, outcome: Outcome, *, requested: bool) -> None:
    """Write `outcome` as the outcome of the messages it covers."""
    if outcome.kind is OutcomeKind.HANDOVER:
        await write_handover(tx, bell, covered, outcome)
    else:
        await _write_suggestion(tx, covered, outcome, requested=requested)


async def write_handover(tx: AsyncConnection, bell: Bell | None, covered: Covered, outcome: Outcome) -> UUID:
    """Call a person to the conversation; return the case's id.

    Raises:
        ValueError: the outcome names no reason.
    """
    if outcome.reason is None:
        raise ValueError("write_handover: expected an outcome with a reason")
    called = Called(
        covered.pharmacy_id, covered.conversation_id, covered.version, outcome.reason, outcome.category, outcome.phase,
        drafts_json(outcome.drafts),
    )  # fmt: skip
    handover_id = await open_or_join(tx, bell, called)
    await _record(tx, covered, outcome, {"handover_id": handover_id})
    return handover_id


async def write_automatic(
    tx: AsyncConnection, covered: Covered, outcome: Outcome, suggestion_id: UUID, reply_id: str
) -> None:
    """Write the outcome of messages whose reply goes out by itself; its draft is kept as a suggestion nobody decides.

    Args:
        reply_id: the id of the message that the reply becomes when it is sent.
    """
    words = replace(outcome, reply=outcome.drafts[-1].text)
    await _write_draft(tx, covered, words, suggestion_id, requested=False, state="automatic")
    await _record(tx, covered, outcome, {"suggestion_id": suggestion_id}, {"reply_id": reply_id})


async def _write_suggestion(tx: AsyncConnection, covered: Covered, outcome: Outcome, *, requested: bool) -> None:
    suggestion_id = uuid4()
    await _write_draft(tx, covered, outcome, suggestion_id, requested=requested, state="open")
    await _record(tx, covered, outcome, {"suggestion_id": suggestion_id})


async def _write_draft(
    tx: AsyncConnection, covered: Covered, outcome: Outcome, suggestion_id: UUID, *, requested: bool, state: str
) -> None:
    # One open suggestion per conversation: the newest.
    open_one = (*covered.rows_of(suggestions), suggestions.c.state == "open")
    superseded = {"state": "superseded", "decided_at": func.now(), "decided_by": "newer suggestion"}
    await tx.execute(update(suggestions).where(*open_one).values(**superseded))
    shown = outcome_json(outcome, covered.conversation_id, covered.version) | {
        "held_for": list(outcome.held_for),
        "reached": reached_json(outcome.reached),
        "earlier_drafts": drafts_json(outcome.drafts[:-1]),  # the last one is what is suggested
        "trail": steps_json(outcome.steps),
    }
    row = {"run_id": covered.run_id, "version": covered.version, "state": state, "requested": requested,
           "category": outcome.category, "phase": outcome.phase, "text": storable(outcome.reply),
           "body": storable(shown)}  # fmt: skip
    await tx.execute(insert(suggestions).values(**covered.scope, **row, id=suggestion_id))


async def _record(
    tx: AsyncConnection, covered: Covered, outcome: Outcome, item: dict[str, UUID], ids: Mapping[str, str] = NO_IDS
) -> None:
    """Give the covered messages their outcome.

    Args:
        item: the name and id of the suggestion or handover that was written.
        ids: what else the outcome names.
    """
    outcome_id = uuid4()
    body = storable(outcome_json(outcome, covered.conversation_id, covered.version))
    body |= {name: str(of) for name, of in item.items()} | dict(ids)
    row = {"version": covered.version, "run_id": covered.run_id, "kind": outcome.kind.value, "body": body}
    await tx.execute(insert(outcomes).values(**covered.scope, **row, **item, id=outcome_id))
    waiting = (*covered.rows_of(messages), messages.c.author == "patient", messages.c.outcome_id.is_(None))
    answered = update(messages).where(*waiting, messages.c.version <= covered.version)
    await tx.execute(answered.values(outcome_id=outcome_id))
    if outcome.category is not None:
        await moves.by_classifying(tx, covered.pharmacy_id, covered.conversation_id, outcome.category)
        # What a person has set, only a person changes.
        mine = (conversations.c.pharmacy_id == covered.pharmacy_id, conversations.c.id == covered.conversation_id)
        by_flow = update(conversations).where(*mine, conversations.c.category_set_by.is_(None))
        await tx.execute(by_flow.values(category=outcome.category))
    await notify(tx, "outcome", f"{covered.pharmacy_id}/{covered.conversation_id}")
    # A provider names its model itself, in whatever characters it likes.
    said = storable(told_of_outcome(outcome, covered.version, covered.run_id, covered.calls))
    said |= {name: str(of) for name, of in item.items()} | dict(ids)
    await audit.append(tx, covered.pharmacy_id, "flow", "outcome_written", covered.conversation_id, said)


async def outcome_of(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, message_id: str
) -> dict[str, Any] | None:
    """Return the JSON of the outcome that answers a message, or None while it has none."""
    found = await tx.execute(
        select(outcomes.c.body)
        .join(messages, messages.c.outcome_id == outcomes.c.id)
        .where(
            messages.c.pharmacy_id == pharmacy_id,
            messages.c.conversation_id == conversation_id,
            messages.c.id == message_id,
        )
    )
    body: dict[str, Any] | None = found.scalar_one_or_none()
    return body
