"""What a pharmacist decides on a draft: approve, edit, reject, have it written again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, cases, outbox, requests, runs
from pharmacy.storage.holding import locked
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.reading import newer_messages
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.remarks import Telling
from pharmacy.storage.tables import suggestions

_TOLD = ("outbox_id", "request_id", "code", "cause", "category", "phase", "overridden")


@dataclass(frozen=True)
class Decision:
    """Who decides on which pharmacy's matter, resting on which version."""

    pharmacy_id: str
    actor: str
    version: int
    telling: Telling | None = None
    """Has LangSmith told of it; None while nothing is traced."""


async def approve(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID, *,
    reason: str | None = None, overridden: Sequence[str] = (),
) -> UUID:  # fmt: skip
    """Send the draft as it is; return the outbox row's id.

    Args:
        overridden: the rules of the output gate that the reason overrides.

    Raises:
        NotHere, Stale
    """
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    category, phase = await _leads_to(tx, suggestion, conversation)
    wording = outbox.Wording(
        suggestion.text, category, phase, suggestion_id, reason=reason, overridden=tuple(overridden)
    )
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await _end_work(tx, conversation)
    kept: dict[str, Any] = {"outbox_id": str(outbox_id)}
    kept |= {"reason": reason, "overridden": list(overridden)} if overridden else {}
    await _decide(tx, decision, suggestion, "approved", kept)
    return outbox_id


async def edit(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, suggestion_id: UUID, text: str, *,
    reason: str | None, category: str | None, phase: str | None, overridden: Sequence[str] = (),
    cause: str | None = None,
) -> UUID:  # fmt: skip
    """Send the pharmacist's wording of the draft, keeping both texts; return the outbox row's id.

    Args:
        category: what the conversation is really about, when the flow had it wrong; likewise `phase`.
        overridden: the rules of the output gate that the reason overrides.
        cause: what was wrong with the draft, as a code; None when nobody said.
    """
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    led = await _leads_to(tx, suggestion, conversation)
    wording = outbox.Wording(
        text, category or led[0], phase or led[1], suggestion_id, reason=reason, overridden=tuple(overridden)
    )
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await _end_work(tx, conversation)
    kept = {"outbox_id": str(outbox_id), "text": text, "reason": reason, "category": category, "phase": phase,
            "overridden": list(overridden), "cause": cause}  # fmt: skip
    await _decide(tx, decision, suggestion, "edited", kept)
    return outbox_id


async def reject(tx: AsyncConnection, decision: Decision, suggestion_id: UUID, code: str, detail: str | None) -> None:
    """Refuse the draft; unless the matter is dealt with, the patient then waits for a person."""
    suggestion, conversation = await _open(tx, decision, suggestion_id)
    if code == "handled":
        await _end_work(tx, conversation)
    else:
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


async def refuse_stale(tx: AsyncConnection, decision: Decision, conversation: Any) -> None:
    """Refuse a decision that rests on an older version of the conversation.

    Raises:
        Stale: tells the newer messages.
    """
    if decision.version != conversation.version:
        newer = await newer_messages(tx, decision.pharmacy_id, conversation.id, decision.version)
        said = f"version = {decision.version!r}: the conversation is at {conversation.version}; read the newer messages"
        raise Stale(said, conversation.version, newer)


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
    await refuse_stale(tx, decision, conversation)
    return suggestion, conversation


async def _leads_to(tx: AsyncConnection, suggestion: Any, conversation: Any) -> tuple[str | None, str | None]:
    """Return the category and phase that the draft leads to; None for what a person has set since its run began."""
    began = await runs.began_at(tx, suggestion.run_id)
    category = outbox.unless_set_since(began, conversation.category_set_at, suggestion.category)
    return category, outbox.unless_set_since(began, conversation.phase_set_at, suggestion.phase)


async def _end_work(tx: AsyncConnection, conversation: Any) -> None:
    """End the run in work and let go of wishes for a draft: what they were to answer is answered."""
    await runs.stop(tx, conversation.pharmacy_id, conversation.id, "answered_in_person")
    await requests.drop(tx, conversation)


async def _decide(tx: AsyncConnection, decision: Decision, suggestion: Any, state: str, kept: dict[str, Any]) -> None:
    values = {"state": state, "decided_by": decision.actor, "decided_at": func.now(), "decision": kept}
    await tx.execute(update(suggestions).where(suggestions.c.id == suggestion.id).values(**values))
    if decision.telling is not None:
        await decision.telling.decided(tx, suggestion)
    # Words stay in their own tables: the chain keeps ids and codes, so that erasure leaves it whole.
    told = {name: kept[name] for name in _TOLD if name in kept}
    said = told | {"version": decision.version}
    await audit.append(tx, decision.pharmacy_id, decision.actor, f"suggestion_{state}", str(suggestion.id), said)
