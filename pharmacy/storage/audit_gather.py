"""Read all that belongs to a batch of messages: outcomes, runs, model calls, decisions, sends, audit rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Table, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import audit, handovers, messages, model_calls, outbox, outcomes, runs, suggestions

SENDS_PER_MESSAGE = 20
_OF_CONVERSATION = ("outcome_written", "responded")


@dataclass(frozen=True)
class Gathered:
    """Rows by what they belong to."""

    outcomes: dict[UUID, Any] = field(default_factory=dict)
    runs: dict[UUID, Any] = field(default_factory=dict)
    suggestions: dict[UUID, Any] = field(default_factory=dict)
    handovers: dict[UUID, Any] = field(default_factory=dict)
    calls: dict[UUID, list[Any]] = field(default_factory=dict)
    """Run to its model calls."""

    sends: dict[int, list[Any]] = field(default_factory=dict)
    """Message number to the texts of the first version that had read it."""

    entries: tuple[Any, ...] = ()
    """Audit rows, in order."""

    def entries_of(self, message: Any, outcome: Any, sends: Sequence[Any]) -> list[Any]:
        """Return the audit rows that speak of a message, its outcome, what was decided and what was sent."""
        ids = {str(send.id) for send in sends}
        items = {str(of) for of in (outcome.suggestion_id, outcome.handover_id) if of} if outcome is not None else set()
        version = outcome.version if outcome is not None else None

        def speaks(entry: Any) -> bool:
            if entry.action == "message_taken":
                return bool(entry.subject == message.id and entry.body.get("conversation") == message.conversation_id)
            if entry.subject in ids | items:
                return True
            if entry.subject != message.conversation_id:
                return False
            return entry.body.get("outbox_id") in ids or (
                entry.action == "outcome_written" and version is not None and entry.body.get("version") == version
            )

        return [entry for entry in self.entries if speaks(entry)]


async def gather(tx: AsyncConnection, pharmacy_id: str, rows: Sequence[Any]) -> Gathered:
    """Return what belongs to `rows` of messages."""
    found = await _by_id(tx, pharmacy_id, outcomes, (row.outcome_id for row in rows))
    ended = found.values()
    gathered = Gathered(
        outcomes=found,
        runs=await _by_id(tx, pharmacy_id, runs, (row.run_id for row in ended)),
        suggestions=await _by_id(tx, pharmacy_id, suggestions, (row.suggestion_id for row in ended)),
        handovers=await _by_id(tx, pharmacy_id, handovers, (row.handover_id for row in ended)),
        sends=await _sends(tx, rows),
    )
    of_runs = (model_calls.c.pharmacy_id == pharmacy_id, model_calls.c.run_id.in_(gathered.runs))
    for call in await tx.execute(select(model_calls).where(*of_runs).order_by(model_calls.c.seq)):
        gathered.calls.setdefault(call.run_id, []).append(call)
    entries = (await tx.execute(_entries(pharmacy_id, rows, gathered))).all()
    return Gathered(**{**vars(gathered), "entries": tuple(entries)})


async def _by_id(tx: AsyncConnection, pharmacy_id: str, of: Table, ids: Iterable[UUID | None]) -> dict[UUID, Any]:
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    found = await tx.execute(select(of).where(of.c.pharmacy_id == pharmacy_id, of.c.id.in_(wanted)))
    return {row.id: row for row in found}


async def _sends(tx: AsyncConnection, rows: Sequence[Any]) -> dict[int, list[Any]]:
    """Return, for each message, the texts of the first version that had read it."""
    after = (outbox.c.pharmacy_id == messages.c.pharmacy_id, outbox.c.version >= messages.c.version,
             outbox.c.conversation_id == messages.c.conversation_id)  # fmt: skip
    first = select(outbox).where(*after).order_by(outbox.c.version, outbox.c.created_at).limit(SENDS_PER_MESSAGE)
    of_message = first.lateral("of_message")
    found = select(messages.c.seq, of_message).join(of_message, true())
    sends: dict[int, list[Any]] = {}
    for row in await tx.execute(found.where(messages.c.seq.in_([row.seq for row in rows]))):
        sends.setdefault(row.seq, []).append(row)
    return {seq: [row for row in of if row.version == of[0].version] for seq, of in sends.items()}


def _entries(pharmacy_id: str, rows: Sequence[Any], gathered: Gathered) -> Any:
    subjects = {row.id for row in rows} | {str(of) for of in (*gathered.suggestions, *gathered.handovers)}
    subjects |= {str(send.id) for sends in gathered.sends.values() for send in sends}
    versions = {str(of.version) for of in gathered.outcomes.values()}
    versions |= {str(send.version) for sends in gathered.sends.values() for send in sends}
    of_conversation = and_(
        audit.c.subject.in_({row.conversation_id for row in rows}),
        audit.c.action.in_(_OF_CONVERSATION),
        audit.c.body["version"].astext.in_(versions),
    )
    spoken = or_(audit.c.subject.in_(subjects), of_conversation)
    return select(audit).where(audit.c.pharmacy_id == pharmacy_id, spoken).order_by(audit.c.seq)
