"""What a pharmacist decides on a draft: approve, edit, reject, have it written again, reply in person."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, cases, outbox, requests
from pharmacy.storage.holding import locked
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.notices import notify
from pharmacy.storage.reading import newer_messages
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.tables import suggestions


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
    if code != "handled":
        await cases.open_case(tx, conversation, "draft_rejected", f"{code}: {detail}" if detail else code)
    await _decide(tx, decision, suggestion, "rejected", {"code": code, "detail": detail})


async def regenerate(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID, instruction: str
) -> UUID:
    """Have the draft written again, with a wish if there is one; return the request's id."""
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    request_id = await requests.ask(tx, jobs, conversation, decision.actor, instruction)
    kept = {"instruction": instruction, "request_id": str(request_id)}
    await _decide(tx, decision, suggestion, "regenerated", kept)
    return request_id


async def ask(
    tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str, actor: str, instruction: str
) -> UUID:
    """Have a draft written for the conversation as it stands; return the request's id.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    conversation = await locked(tx, pharmacy_id, conversation_id)
    request_id = await requests.ask(tx, jobs, conversation, actor, instruction)
    said = {"version": conversation.version, "request_id": str(request_id)}
    await audit.append(tx, pharmacy_id, actor, "suggestion_requested", conversation_id, said)
    return request_id


async def respond(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, conversation_id: str, text: str, reason: str | None
) -> UUID:
    """Send the pharmacist's own words; an open suggestion is thereby done with. Return the outbox row's id."""
    conversation = await locked(tx, decision.pharmacy_id, conversation_id)
    await _refuse_stale(tx, decision, conversation)
    wording = outbox.Wording(text)
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await tx.execute(
        update(suggestions)
        .where(suggestions.c.pharmacy_id == decision.pharmacy_id, suggestions.c.conversation_id == conversation_id,
               suggestions.c.state == "open")
        .values(state="superseded", decided_by=decision.actor, decided_at=func.now(), decision={"code": "replied"})
    )  # fmt: skip
    await cases.answered_in_person(tx, conversation, decision.actor)
    await notify(tx, "conversation", f"{decision.pharmacy_id}/{conversation_id}")
    body = {"version": decision.version, "outbox_id": str(outbox_id), "reasoned": bool(reason)}
    await audit.append(tx, decision.pharmacy_id, decision.actor, "responded", conversation_id, body)
    return outbox_id


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
        said = f"version = {decision.version!r}: the conversation is at {conversation.version}; read the newer messages"
        raise Stale(said, conversation.version, newer)


async def _decide(tx: AsyncConnection, decision: Decision, suggestion: Any, state: str, kept: dict[str, Any]) -> None:
    values = {"state": state, "decided_by": decision.actor, "decided_at": func.now(), "decision": kept}
    await tx.execute(update(suggestions).where(suggestions.c.id == suggestion.id).values(**values))
    await notify(tx, "conversation", f"{decision.pharmacy_id}/{suggestion.conversation_id}")
    # Words stay in their own tables: the chain keeps ids and codes, so that erasure leaves it whole.
    told = {name: kept[name] for name in ("outbox_id", "request_id", "code", "category", "phase") if name in kept}
    said = told | {"version": decision.version}
    await audit.append(tx, decision.pharmacy_id, decision.actor, f"suggestion_{state}", str(suggestion.id), said)
