"""Walk from each sent text to the audit rows that say who or which rule let it go, and on what ground."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.outbox_queue import text_hash
from pharmacy.storage.tables import audit, outbox

BATCH_SENDS = 200
DECIDED = ("suggestion_approved", "suggestion_edited", "responded")
"""The audit actions by which a person lets a text go."""


@dataclass(frozen=True)
class Explanation:
    """What the chain says of one sent text."""

    outbox_id: UUID
    missing: tuple[str, ...]
    """What a reader of the chain would look for in vain; empty when the send is explained."""


async def explanations(tx: AsyncConnection, pharmacy_id: str) -> AsyncIterator[Explanation]:
    """Yield what the chain says of each of the pharmacy's sent texts, oldest first."""
    after: tuple[Any, UUID] | None = None
    while True:
        sent = select(outbox).where(outbox.c.pharmacy_id == pharmacy_id, outbox.c.state == "sent")
        if after is not None:
            sent = sent.where(tuple_(outbox.c.created_at, outbox.c.id) > after)
        rows = (await tx.execute(sent.order_by(outbox.c.created_at, outbox.c.id).limit(BATCH_SENDS))).all()
        if not rows:
            return
        told = await _told_of(tx, pharmacy_id, rows)
        for row in rows:
            yield Explanation(row.id, tuple(_missing(row, told)))
        after = (rows[-1].created_at, rows[-1].id)


async def _told_of(tx: AsyncConnection, pharmacy_id: str, rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the audit rows that speak of these texts, their suggestions and their conversations, by subject."""
    subjects = {str(row.id) for row in rows} | {row.conversation_id for row in rows}
    subjects |= {str(row.suggestion_id) for row in rows if row.suggestion_id}
    found = select(audit).where(audit.c.pharmacy_id == pharmacy_id, audit.c.subject.in_(subjects))
    told: dict[str, list[Any]] = {}
    for row in await tx.execute(found.order_by(audit.c.seq)):
        told.setdefault(row.subject, []).append(row)
    return told


def _missing(row: Any, told: dict[str, list[Any]]) -> list[str]:
    sent = [entry for entry in told.get(str(row.id), []) if entry.action == "message_sent"]
    if not sent:
        return ["the row of its sending"]
    same = sent[0].body["text_hash"] == row.text_hash == text_hash(row.text)
    missing = [] if same else ["the text that was sent"]
    if row.kind == "fixed":
        return missing + ([] if sent[0].body.get("fixed_text") else ["the fixed text that it is"])
    if row.automatic:
        missing += [] if row.policy_version is not None else ["the version of the policy that let it go"]
    elif not any(_lets_go(entry, row) for entry in _decisions(row, told)):
        missing.append("the person who let it go")
    return missing + (_missing_of_run(row, told) if row.suggestion_id or row.automatic else [])


def _decisions(row: Any, told: dict[str, list[Any]]) -> list[Any]:
    entries = told.get(str(row.suggestion_id), []) + told.get(row.conversation_id, [])
    return [entry for entry in entries if entry.action in DECIDED]


def _lets_go(entry: Any, row: Any) -> bool:
    return bool(entry.actor == row.sent_by and entry.body.get("outbox_id") == str(row.id))


def _missing_of_run(row: Any, told: dict[str, list[Any]]) -> list[str]:
    """Return what is unsaid of the run that wrote the draft: models, prompts, gates, the judge's marks."""
    of_draft = {"suggestion_id": str(row.suggestion_id)} if row.suggestion_id else {"outbox_id": str(row.id)}
    outcomes = [
        entry.body
        for entry in told.get(row.conversation_id, [])
        if entry.action == "outcome_written" and of_draft.items() <= entry.body.items()
    ]
    if not outcomes:
        return ["the run that drafted it"]
    said = outcomes[0]
    unsaid = [f"the run's {what}" for what in ("models", "prompts", "marks") if not said.get(what)]
    return unsaid if "gates" in said else [*unsaid, "the run's gates"]
