"""The record that a pharmacy has to show of each message: what came in, what was found, decided and sent, by whom."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.moment import in_utc
from pharmacy.storage.audit_gather import Gathered, gather
from pharmacy.storage.database import Database
from pharmacy.storage.tables import conversations, messages

JAPAN = timezone(timedelta(hours=9), "JST")
"""Japan has known no other offset since 1951, so no time zone file is needed."""

BATCH_RECORDS = 100


@dataclass(frozen=True)
class Wanted:
    """Which messages: one by its id, or those that were received within a time."""

    message_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @classmethod
    def read(cls, message_id: str | None, since: str | None, until: str | None) -> "Wanted":
        """Return what three words of a command line ask for; a day means the day in Japan, and the last one counts.

        Raises:
            ValueError: a word is neither a day nor a time with its offset.
        """
        return cls(message_id, _moment(since, day_ends=False), _moment(until, day_ends=True))

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions that a message's row fulfils."""
        asked = [messages.c.author == "patient"]
        if self.message_id is not None:
            asked.append(messages.c.id == self.message_id)
        if self.since is not None:
            asked.append(messages.c.received_at >= self.since)
        if self.before is not None:
            asked.append(messages.c.received_at < self.before)
        return asked


async def count(tx: AsyncConnection, pharmacy_id: str, wanted: Wanted) -> int:
    """Return how many messages are wanted."""
    found = select(func.count()).select_from(messages).where(messages.c.pharmacy_id == pharmacy_id)
    return int((await tx.execute(found.where(*wanted.conditions()))).scalar_one())


async def records(database: Database, pharmacy_id: str, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """Yield each wanted message's record, in the order they were taken; a short transaction for each batch."""
    after = 0
    while True:
        async with database.begin(pharmacy_id) as tx:
            rows = await _batch(tx, pharmacy_id, wanted, after)
            gathered = await gather(tx, pharmacy_id, rows)
        for row in rows:
            yield _record(row, gathered)
        if len(rows) < BATCH_RECORDS:
            return
        after = rows[-1].seq


def in_japan(at: datetime | None) -> str | None:
    """Return a time as a pharmacy in Japan reads it, with its offset."""
    return at.astimezone(JAPAN).isoformat() if at is not None else None


async def _batch(tx: AsyncConnection, pharmacy_id: str, wanted: Wanted, after: int) -> Sequence[Any]:
    of_conversation = (conversations.c.pharmacy_id == messages.c.pharmacy_id) & (
        conversations.c.id == messages.c.conversation_id
    )
    found = select(messages, conversations.c.patient_id, conversations.c.channel).join(conversations, of_conversation)
    mine = (messages.c.pharmacy_id == pharmacy_id, messages.c.seq > after, *wanted.conditions())
    return (await tx.execute(found.where(*mine).order_by(messages.c.seq).limit(BATCH_RECORDS))).all()


def _record(row: Any, gathered: Gathered) -> dict[str, Any]:
    outcome = gathered.outcomes.get(row.outcome_id)
    sends = gathered.sends.get(row.seq, [])
    return {
        "message": _message(row),
        "gates": [{"rule": hit["rule"], "tier": hit["tier"]} for hit in row.hits],
        "outcome": _outcome(outcome),
        "run": _run(outcome, gathered),
        "drafts": _drafts(outcome, gathered),
        "decisions": _decisions(outcome, gathered),
        "sends": [_send(send) for send in sends],
        "audit": [_entry(entry) for entry in gathered.entries_of(row, outcome, sends)],
    }


def _message(row: Any) -> dict[str, Any]:
    kept = ("id", "conversation_id", "patient_id", "channel", "version", "kind", "text")
    times = {"sent_at": in_japan(row.sent_at), "received_at": in_japan(row.received_at)}
    return {name: getattr(row, name) for name in kept} | times


def _outcome(outcome: Any) -> dict[str, Any] | None:
    if outcome is None:
        return None
    body = outcome.body
    told = {name: body.get(name) for name in ("category", "phase", "reason", "models", "cost_usd")}
    return {"kind": outcome.kind, "at": in_japan(outcome.created_at), "version": outcome.version, **told}


def _run(outcome: Any, gathered: Gathered) -> dict[str, Any] | None:
    run = gathered.runs.get(outcome.run_id) if outcome is not None else None
    if run is None:
        return None
    names = ("node", "prompt_file", "prompt_fingerprint", "model_asked", "model_served", "attempt", "error")
    calls = [
        {name: getattr(call, name) for name in names} | {"started_at": in_japan(call.started_at)}
        for call in gathered.calls.get(run.id, [])
    ]
    times = {"started_at": in_japan(run.started_at), "finished_at": in_japan(run.finished_at)}
    return {"id": str(run.id), "state": run.state, **times, "calls": calls}


def _drafts(outcome: Any, gathered: Gathered) -> list[dict[str, Any]]:
    """Return every draft with the judge's marks, the one that was suggested last."""
    if outcome is None:
        return []
    handover, suggestion = gathered.handovers.get(outcome.handover_id), gathered.suggestions.get(outcome.suggestion_id)
    if suggestion is None:
        return list(handover.drafts) if handover is not None else []
    shown = {"text": suggestion.text, "judgement": suggestion.body.get("judgement"), "blocked": []}
    return [*suggestion.body.get("earlier_drafts", []), shown]


def _decisions(outcome: Any, gathered: Gathered) -> list[dict[str, Any]]:
    if outcome is None:
        return []
    made: list[dict[str, Any]] = []
    if (suggestion := gathered.suggestions.get(outcome.suggestion_id)) is not None and suggestion.decided_at:
        told = {"on": "suggestion", "id": str(suggestion.id), "decided": suggestion.state, "why": suggestion.decision}
        made.append({"at": in_japan(suggestion.decided_at), "by": suggestion.decided_by, **told})
    if (handover := gathered.handovers.get(outcome.handover_id)) is not None and handover.resolved_at:
        told = {"on": "handover", "id": str(handover.id), "decided": handover.state, "why": handover.resolution}
        made.append({"at": in_japan(handover.resolved_at), "by": handover.resolved_by, **told})
    return made


def _send(row: Any) -> dict[str, Any]:
    kept = ("state", "sent_by", "automatic", "policy_version", "text", "text_hash", "recipient", "version", "attempts",
            "reason", "overridden", "problem")  # fmt: skip
    ids = {"id": str(row.id), "retry_key": str(row.retry_key)}
    times = {"queued_at": in_japan(row.created_at), "sent_at": in_japan(row.sent_at)}
    return ids | times | {name: getattr(row, name) for name in kept}


def _entry(row: Any) -> dict[str, Any]:
    kept = ("seq", "actor", "action", "subject", "body", "hash")
    return {"at": in_japan(row.at)} | {name: getattr(row, name) for name in kept}


def _moment(words: str | None, *, day_ends: bool) -> datetime | None:
    if words is None:
        return None
    try:
        if len(words) == len("2026-01-31"):
            day = date.fromisoformat(words) + timedelta(days=day_ends)
            return datetime.combine(day, time(), JAPAN)
        return in_utc(datetime.fromisoformat(words))
    except (ValueError, OverflowError) as error:
        expected = "expected a day such as 2026-01-31, or a time such as 2026-01-31T09:00+09:00"
        raise ValueError(f"{words!r}: {expected}") from error
