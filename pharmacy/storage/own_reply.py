"""A pharmacist's own reply: sent once, however often it is asked for."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.outcome import Outcome, OutcomeKind, Reason
from pharmacy.storage import audit, outbox, requests, runs, unanswered
from pharmacy.storage.case_decisions import close_answered, resolve
from pharmacy.storage.decisions import Decision, refuse_stale
from pharmacy.storage.holding import locked
from pharmacy.storage.incoming import Idempotency
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.outcomes import Covered, write_handover
from pharmacy.storage.refusals import Conflict, Stale
from pharmacy.storage.tables import handovers, idempotency_keys, suggestions
from pharmacy.storage.tables import outbox as texts


@dataclass(frozen=True)
class OwnReply:
    """What a pharmacist writes without a draft."""

    text: str
    reason: str | None = None
    """Why it goes out although the output gate would hold it."""

    overridden: tuple[str, ...] = ()
    """The rules that would hold it."""

    idempotency: Idempotency | None = None
    """None when the caller gave no key; then the same words for the same version are taken for a repeat."""

    closes: UUID | None = None
    """The open case that it answers, closed with it."""


async def respond(
    tx: AsyncConnection, jobs: Jobs, decision: Decision, conversation_id: str, reply: OwnReply
) -> tuple[UUID, str]:
    """Send the pharmacist's own words and return the outbox row's id and state.

    An open suggestion is thereby done with, and so is the case that they close.

    Raises:
        NotHere: this pharmacy has no such conversation, or it has no such case.
        Stale: the conversation has newer messages, the same words went out for this version already, or the case that
            they were to close is closed.
        Conflict: the idempotency key was used for something else.
    """
    conversation = await locked(tx, decision.pharmacy_id, conversation_id)
    if (known := await _known(tx, conversation, reply.idempotency)) is not None:
        return known
    await refuse_stale(tx, decision, conversation)
    if reply.idempotency is None:
        await _refuse_repeat(tx, conversation, reply.text)
    wording = outbox.Wording(reply.text, reason=reply.reason, overridden=reply.overridden)
    outbox_id = await outbox.queue(tx, jobs, conversation, wording, decision.actor)
    await _keep_key(tx, conversation, reply.idempotency, outbox_id)
    await _end_drafts(tx, conversation, decision)
    if reply.closes is not None:
        await close_answered(tx, decision, conversation.id, reply.closes)
    # The reason is a person's words and stays in the outbox; the chain names the rules.
    body = {"version": decision.version, "outbox_id": str(outbox_id), "reasoned": bool(reply.reason),
            "overridden": list(reply.overridden)}  # fmt: skip
    await audit.append(tx, decision.pharmacy_id, decision.actor, "responded", conversation_id, body)
    return outbox_id, "queued"


async def _known(tx: AsyncConnection, conversation: Any, given: Idempotency | None) -> tuple[UUID, str] | None:
    """Return the id and state of the text that this idempotency key already sent, or None."""
    if given is None:
        return None
    where = (idempotency_keys.c.pharmacy_id == conversation.pharmacy_id, idempotency_keys.c.caller == given.caller,
             idempotency_keys.c.key == given.key)  # fmt: skip
    found = (await tx.execute(select(idempotency_keys).where(*where))).one_or_none()
    if found is None:
        return None
    if found.request_hash != given.request_hash:
        raise _used_key()
    outbox_id = UUID(found.message_id.removeprefix(outbox.REPLY_ID))
    state = (await tx.execute(select(texts.c.state).where(texts.c.id == outbox_id))).scalar_one()
    return outbox_id, str(state)


async def _refuse_repeat(tx: AsyncConnection, conversation: Any, words: str) -> None:
    """Refuse words that are on their way already: a reply raises no version, so no version tells a second click."""
    where = (texts.c.pharmacy_id == conversation.pharmacy_id, texts.c.conversation_id == conversation.id,
             texts.c.version == conversation.version, texts.c.text_hash == outbox.text_hash(words),
             texts.c.suggestion_id.is_(None), texts.c.state.in_(["queued", "sent"]))  # fmt: skip
    found = (await tx.execute(select(texts.c.state).where(*where).limit(1))).one_or_none()
    if found is not None:
        said = f"text: the same reply is {found.state} already; expected other words, or an Idempotency-Key of its own"
        raise Stale(said, conversation.version, [], found.state)


async def _keep_key(tx: AsyncConnection, conversation: Any, given: Idempotency | None, outbox_id: UUID) -> None:
    if given is None:
        return
    scope = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id}
    row = {**scope, **asdict(given), "message_id": f"{outbox.REPLY_ID}{outbox_id}"}
    used = upsert(idempotency_keys).values(**row).on_conflict_do_nothing().returning(idempotency_keys.c.key)
    # The lock of one conversation does not keep out another one that is told the same key at once.
    if (await tx.execute(used)).one_or_none() is None:
        raise _used_key()


async def _end_drafts(tx: AsyncConnection, conversation: Any, decision: Decision) -> None:
    """Close the open suggestion, end the run in work and let go of wishes: the patient has been answered."""
    open_one = (suggestions.c.pharmacy_id == conversation.pharmacy_id, suggestions.c.state == "open",
                suggestions.c.conversation_id == conversation.id)  # fmt: skip
    replied = {"state": "superseded", "decided_by": decision.actor, "decided_at": func.now(),
               "decision": {"code": "replied"}}  # fmt: skip
    ended = await tx.execute(update(suggestions).where(*open_one).values(**replied).returning(suggestions))
    if decision.telling is not None:
        for suggestion in ended.all():
            await decision.telling.decided(tx, suggestion)
    await _answered_in_person(tx, conversation, decision.actor)
    await requests.drop(tx, conversation)


async def _answered_in_person(tx: AsyncConnection, conversation: Any, actor: str) -> None:
    """End the run in work: the messages it was to answer have just been answered by a person."""
    await runs.stop(tx, conversation.pharmacy_id, conversation.id, "answered_in_person")
    if not await unanswered.count(tx, conversation.pharmacy_id, conversation.id):
        return
    covered = Covered(conversation.pharmacy_id, conversation.id, conversation.version)
    open_one = select(handovers.c.id).where(*covered.rows_of(handovers), handovers.c.state == "open")
    open_before = (await tx.execute(open_one)).scalar_one_or_none()
    reason = Reason("answered_in_person", "a pharmacist replied before a draft was ready")
    outcome = Outcome(OutcomeKind.HANDOVER, conversation.category, conversation.phase, reason=reason)
    opened = await write_handover(tx, None, covered, outcome)
    if open_before is None:
        await resolve(tx, conversation.pharmacy_id, opened, actor, reason.detail, conversation.version)


def _used_key() -> Conflict:
    return Conflict("Idempotency-Key was used before with another request; expected a new key")
