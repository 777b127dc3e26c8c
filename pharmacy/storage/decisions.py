"""What a pharmacist decides: approve, edit, reject, have it written again, reply, hold, resolve."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, cases, outbox
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.notices import notify
from pharmacy.storage.reading import newer_messages
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.tables import conversations, suggestions


@dataclass(frozen=True)
class Decision:
    """Who decides on which pharmacy's matter, resting on which version."""

    pharmacy_id: str
    actor: str
    version: int


async def approve(tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID) -> UUID:
    """Send the draft as it is; return the outbox row's id.

    Raises:
        NotHere, Stale
    """
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    wording = outbox.Wording(suggestion.text, suggestion.category, suggestion.phase, suggestion_id)
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await _decide(tx, decision, suggestion, "approved", {"outbox_id": str(outbox_id)})
    return outbox_id


async def edit(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID, text: str, *,
    reason: str | None, category: str | None, phase: str | None,
) -> UUID:  # fmt: skip
    """Send the pharmacist's wording of the draft, keeping both texts; return the outbox row's id.

    Args:
        category: what the conversation is really about, when the flow had it wrong; likewise `phase`.
    """
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    wording = outbox.Wording(text, category or suggestion.category, phase or suggestion.phase, suggestion_id)
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    kept = {"outbox_id": str(outbox_id), "text": text, "reason": reason, "category": category, "phase": phase}
    await _decide(tx, decision, suggestion, "edited", kept)
    return outbox_id


async def reject(tx: AsyncConnection, decision: Decision, suggestion_id: UUID, code: str, detail: str | None) -> None:
    """Refuse the draft; unless the matter is dealt with, the patient then waits for a person."""
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    await _decide(tx, decision, suggestion, "rejected", {"code": code, "detail": detail})
    if code != "handled":
        await cases.open_case(tx, conversation, "draft_rejected", f"{code}: {detail}" if detail else code)


async def regenerate(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID, instruction: str
) -> UUID:
    """Have the draft written again, with a wish if there is one; return the request's id."""
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    await _decide(tx, decision, suggestion, "regenerated", {"instruction": instruction})
    return await ask(tx, jobs, conversation, decision.actor, instruction)


async def ask(tx: AsyncConnection, jobs: Jobs, conversation: Any, actor: str, instruction: str) -> UUID:
    """Enqueue a run that a pharmacist asked for; return the request's id."""
    request_id = uuid4()
    lock = f"reply:{conversation.pharmacy_id}:{conversation.id}"
    arguments = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id,
                 "asked": {"by": actor, "request_id": str(request_id), "instruction": instruction}}  # fmt: skip
    await jobs.enqueue(tx, "reply", lock=lock, arguments=arguments)
    await audit.append(
        tx, conversation.pharmacy_id, actor, "suggestion_requested", conversation.id, {"version": conversation.version}
    )
    return request_id


async def respond(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, conversation_id: str, text: str, reason: str | None
) -> UUID:
    """Send the pharmacist's own words; an open suggestion is thereby done with. Return the outbox row's id."""
    conversation = await locked(tx, decision.pharmacy_id, conversation_id)
    await _refuse_stale(tx, decision, conversation)
    wording = outbox.Wording(text, conversation.category, conversation.phase, None)
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await tx.execute(
        update(suggestions)
        .where(suggestions.c.pharmacy_id == decision.pharmacy_id, suggestions.c.conversation_id == conversation_id,
               suggestions.c.state == "open")
        .values(state="superseded", decided_by=decision.actor, decided_at=func.now(), decision={"reason": "pharmacist replied"})
    )  # fmt: skip
    body = {"version": decision.version, "outbox_id": str(outbox_id), "reason": reason}
    await audit.append(tx, decision.pharmacy_id, decision.actor, "responded", conversation_id, body)
    return outbox_id


async def change(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str, action: str, values: dict[str, Any]
) -> None:
    """Set fields of a conversation by a person's hand: hold, claim, phase, category, snooze."""
    conversation = await locked(tx, pharmacy_id, conversation_id)
    where = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    await tx.execute(update(conversations).where(*where).values(**values))
    await notify(tx, "conversation", f"{pharmacy_id}/{conversation_id}")
    said = {name: str(value) if value is not None else None for name, value in values.items()}
    await audit.append(tx, pharmacy_id, actor, action, conversation.id, said)


async def locked(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Any:
    """Return the conversation's row, held until the transaction ends.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    where = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    found = (await tx.execute(select(conversations).where(*where).with_for_update())).one_or_none()
    if found is None:
        raise NotHere(f"conversation {conversation_id!r}: there is none")
    return found


async def _open(tx: AsyncConnection, decision: Decision, suggestion_id: UUID) -> tuple[Any, Any]:
    where = (suggestions.c.pharmacy_id == decision.pharmacy_id, suggestions.c.id == suggestion_id)
    found = (await tx.execute(select(suggestions).where(*where))).one_or_none()
    if found is None:
        raise NotHere(f"suggestion {str(suggestion_id)!r}: there is none")
    # The conversation first, then the suggestion: the order every writer takes its locks in.
    conversation = await locked(tx, decision.pharmacy_id, found.conversation_id)
    suggestion = (await tx.execute(select(suggestions).where(*where).with_for_update())).one()
    if suggestion.state != "open":
        newer = await newer_messages(tx, decision.pharmacy_id, conversation.id, suggestion.version)
        raise Stale(f"suggestion is {suggestion.state}, expected open", conversation.version, newer, suggestion.state)
    await _refuse_stale(tx, decision, conversation)
    return suggestion, conversation


async def _refuse_stale(tx: AsyncConnection, decision: Decision, conversation: Any) -> None:
    if decision.version != conversation.version:
        newer = await newer_messages(tx, decision.pharmacy_id, conversation.id, decision.version)
        said = f"version = {decision.version!r}: the conversation is at {conversation.version}; read the newer messages first"
        raise Stale(said, conversation.version, newer)


async def _decide(tx: AsyncConnection, decision: Decision, suggestion: Any, state: str, kept: dict[str, Any]) -> None:
    values = {"state": state, "decided_by": decision.actor, "decided_at": func.now(), "decision": kept}
    await tx.execute(update(suggestions).where(suggestions.c.id == suggestion.id).values(**values))
    await notify(tx, "conversation", f"{decision.pharmacy_id}/{suggestion.conversation_id}")
    # Words stay in their own tables: the chain keeps ids and codes, so that erasure leaves it whole.
    said = {k: v for k, v in kept.items() if k in ("outbox_id", "code", "category", "phase")} | {
        "version": decision.version
    }
    await audit.append(tx, decision.pharmacy_id, decision.actor, f"suggestion_{state}", str(suggestion.id), said)
