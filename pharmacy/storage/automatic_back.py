"""The way back: a reply that will not go out by itself becomes a suggestion, or leaves its messages to the next run."""

from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.held_for import Against, HeldFor
from pharmacy.domain.outcome_json import reached_json
from pharmacy.domain.unsent_for import Problem
from pharmacy.storage import audit
from pharmacy.storage.notices import notify
from pharmacy.storage.tables import messages, outbox, outcomes, suggestions
from pharmacy.storage.unsent import told_of


async def take_back_outdated(tx: AsyncConnection, conversation: Any) -> None:
    """Take back what was queued before the newest message and never tried, so that the next run answers all of it.

    The caller holds the conversation.
    """
    where = (outbox.c.pharmacy_id == conversation.pharmacy_id, outbox.c.conversation_id == conversation.id,
             outbox.c.automatic, outbox.c.kind == "reply", outbox.c.state == "queued", outbox.c.attempts == 0,
             outbox.c.version < conversation.version)  # fmt: skip
    why = HeldFor.NEWER_MESSAGE
    for row in (await tx.execute(select(outbox).where(*where).with_for_update())).all():
        await tx.execute(update(outbox).where(outbox.c.id == row.id).values(state="cancelled", **told_of(Problem(why))))
        await back_to_person(tx, row, conversation, Against(why))
        await audit.append(tx, row.pharmacy_id, "flow", "message_cancelled", str(row.id), {"problem": why})


async def back_to_person(tx: AsyncConnection, row: Any, conversation: Any, why: Against) -> bool:
    """Undo what a cancelled automatic row had settled; return whether a person now sees its draft.

    In a conversation that has not moved on, the draft becomes a suggestion. In one that has, the messages it was to
    answer wait for their outcome again: a run of the newer message reads them, or the sweep gives them one.
    """
    if row.suggestion_id is None:  # words that were approved beforehand settle nothing
        return False
    mine = (outcomes.c.pharmacy_id == row.pharmacy_id, outcomes.c.suggestion_id == row.suggestion_id)
    outcome = (await tx.execute(select(outcomes).where(*mine))).one_or_none()
    if outcome is None:
        return False
    if row.version != conversation.version:
        answered = (messages.c.pharmacy_id == row.pharmacy_id, messages.c.outcome_id == outcome.id)
        await tx.execute(update(messages).where(*answered).values(outcome_id=None))
        await _set_suggestion(tx, row, {"state": "superseded", "decided_by": "newer message"})
        return False
    shown = await _open_one(tx, row) or await _reopened(tx, row, why)
    await _ended_as_suggestion(tx, row, outcome, shown)
    return True


async def answered_instead(tx: AsyncConnection, row: Any, actor: str) -> None:
    """Close the draft of a cancelled row whose patient a person has answered; nothing went out by itself."""
    await _set_suggestion(tx, row, {"state": "superseded", "decided_by": actor})
    mine = (outcomes.c.pharmacy_id == row.pharmacy_id, outcomes.c.suggestion_id == row.suggestion_id)
    outcome = (await tx.execute(select(outcomes).where(*mine, outcomes.c.kind == "auto_sent"))).one_or_none()
    if row.suggestion_id is None or outcome is None:
        return
    of = (suggestions.c.pharmacy_id == row.pharmacy_id, suggestions.c.id == row.suggestion_id)
    draft = (await tx.execute(select(suggestions.c.id, suggestions.c.text).where(*of))).one()
    await _ended_as_suggestion(tx, row, outcome, draft)


async def _ended_as_suggestion(tx: AsyncConnection, row: Any, outcome: Any, draft: Any) -> None:
    """Give the messages of an automatic row the outcome that they had after all; the first one stays on record."""
    again, body = uuid4(), {k: v for k, v in outcome.body.items() if k not in ("reply_id", "suggestion_id")}
    body |= {"outcome": "suggestion", "reply": draft.text, "suggestion_id": str(draft.id)}
    values = {"conversation_id": row.conversation_id, "version": row.version, "run_id": outcome.run_id,
              "kind": "suggestion", "suggestion_id": draft.id, "body": body}  # fmt: skip
    await tx.execute(insert(outcomes).values(pharmacy_id=row.pharmacy_id, id=again, **values))
    answered = update(messages).where(messages.c.pharmacy_id == row.pharmacy_id, messages.c.outcome_id == outcome.id)
    await tx.execute(answered.values(outcome_id=again))
    await notify(tx, "outcome", f"{row.pharmacy_id}/{row.conversation_id}")


async def _open_one(tx: AsyncConnection, row: Any) -> Any | None:
    """Return the suggestion that a pharmacist has asked for meanwhile; there is room for one."""
    where = (suggestions.c.pharmacy_id == row.pharmacy_id, suggestions.c.conversation_id == row.conversation_id,
             suggestions.c.state == "open")  # fmt: skip
    found = (await tx.execute(select(suggestions.c.id, suggestions.c.text).where(*where))).one_or_none()
    if found is not None:
        await _set_suggestion(tx, row, {"state": "superseded", "decided_by": "newer suggestion"})
    return found


async def _reopened(tx: AsyncConnection, row: Any, why: Against) -> Any:
    mine = (suggestions.c.pharmacy_id == row.pharmacy_id, suggestions.c.id == row.suggestion_id)
    body = (await tx.execute(select(suggestions.c.body).where(*mine))).scalar_one()
    told = {"held_for": [why.code], "reached": reached_json(why.reached)}
    values = {"state": "open", "decided_by": None, "decided_at": None, "body": body | told}
    again = update(suggestions).where(*mine).values(**values).returning(suggestions.c.id, suggestions.c.text)
    return (await tx.execute(again)).one()


async def _set_suggestion(tx: AsyncConnection, row: Any, values: dict[str, Any]) -> None:
    mine = (suggestions.c.pharmacy_id == row.pharmacy_id, suggestions.c.id == row.suggestion_id)
    waits = (suggestions.c.state == "automatic",)
    await tx.execute(update(suggestions).where(*mine, *waits).values(**values, decided_at=func.now()))
