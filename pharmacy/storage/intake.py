"""Take a patient's message: message, version, gates and job in one transaction."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.outcome_json import hits_json
from pharmacy.storage import audit, outcomes
from pharmacy.storage.cases import Bell
from pharmacy.storage.intake_statements import BEGUN, HELD, WRITTEN, WRITTEN_IN_TIME
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import conversations, idempotency_keys, inbox, messages, patients

LATE = timedelta(hours=24)
"""A message that took longer to arrive is never answered by itself."""

_AS_THEY_CAME = (
    "pharmacy_id", "channel", "event_id", "conversation_id", "message_id", "text", "sent_at", "raw",
    "channel_message_id", "redelivered",
)  # fmt: skip


@dataclass(frozen=True)
class Idempotency:
    """A caller's own key for one request."""

    caller: str
    key: str
    request_hash: str
    """Over the whole request: the same key with another one is a mistake."""


@dataclass(frozen=True)
class Incoming:
    """One message as it arrived, checked."""

    pharmacy_id: str
    channel: str
    event_id: str
    conversation_id: str
    message_id: str
    patient_id: str | None
    """None leaves it to the conversation, or, in a new one, names the patient as the conversation."""

    text: str
    sent_at: datetime
    raw: bytes
    kind: Kind = Kind.TEXT
    patient: dict[str, Any] | None = None
    """The patient's profile, when the message brought one."""

    idempotency: Idempotency | None = None
    """None when the caller gave no key."""

    channel_message_id: str | None = None
    """What the channel calls the message, where it has a name for it."""

    redelivered: bool = False
    """True when the channel says that it has tried to deliver it before."""

    by_own_time: bool = False
    """True to stand among the waiting messages by `sent_at`, False as it arrives."""


@dataclass(frozen=True)
class Taken:
    """Where a message stands after it was taken."""

    message_id: str
    conversation_id: str
    version: int
    patient_id: str
    repeated: bool = False
    """True when the same message had been taken before."""


async def take(
    tx: AsyncConnection,
    jobs: Jobs,
    incoming: Incoming,
    first_phase: str,
    hits: Sequence[GateHit],
    emergency: Outcome | None,
    bell: Bell,
) -> Taken:
    """Write the message with its version, and either its job or, for an emergency, its handover.

    Args:
        emergency: the handover that intake already knows to be right; then no job is made and nothing waits.

    Raises:
        Conflict: the id or the idempotency key was used with other content, or the conversation is another patient's.
    """
    conversation = await _open_conversation(tx, incoming, first_phase)
    # Under the conversation's lock: a second delivery has waited behind the first.
    if message_id := await _of_key(tx, incoming):
        return await _repeated(tx, incoming, message_id)
    _refuse_other_channel(incoming, conversation.channel)
    version = conversation.version + 1
    if not await _write(tx, incoming, version, hits):
        return await _repeated(tx, incoming, await _of_event(tx, incoming))
    # What is refused is rolled back with all that was written.
    _refuse_other_patient(incoming, conversation.patient_id)
    await _keep_profile(tx, incoming, conversation.patient_id)
    await _keep_key(tx, incoming)
    if emergency is not None:
        here = replace(emergency, phase=conversation.phase, category=conversation.category)
        covered = outcomes.Covered(incoming.pharmacy_id, incoming.conversation_id, version)
        # Words for an emergency of yesterday no longer fit whoever reads them; a person is called all the same.
        late = datetime.now(UTC) - incoming.sent_at > LATE
        await outcomes.write_handover(tx, bell.without_words() if late else bell, covered, here)
    else:
        await enqueue_reply(tx, jobs, incoming.pharmacy_id, incoming.conversation_id)
    said = {"version": version, "conversation": incoming.conversation_id, "rules": [hit.rule for hit in hits]}
    await audit.append(
        tx, incoming.pharmacy_id, f"channel:{incoming.channel}", "message_taken", incoming.message_id, said
    )
    return Taken(incoming.message_id, incoming.conversation_id, version, conversation.patient_id)


async def enqueue_reply(tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str) -> None:
    """Have whatever is unanswered in the conversation answered."""
    arguments = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id}
    await jobs.enqueue(tx, "reply", lock=f"reply:{pharmacy_id}:{conversation_id}", arguments=arguments)


def content_hash(incoming: Incoming) -> str:
    """Return the hash that tells a repeat from another message under the same id."""
    content = [incoming.conversation_id, incoming.text, incoming.kind.value]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


async def _open_conversation(tx: AsyncConnection, incoming: Incoming, first_phase: str) -> Any:
    """Return the conversation's row, made if need be, and held until the transaction ends."""
    of_conversation = {"given_pharmacy_id": incoming.pharmacy_id, "given_conversation_id": incoming.conversation_id}
    if (found := (await tx.execute(HELD, of_conversation)).one_or_none()) is not None:
        return found
    row = {"given_patient_id": incoming.patient_id or incoming.conversation_id, "given_profile": {},
           "given_channel": incoming.channel, "given_phase": first_phase}  # fmt: skip
    if (begun := (await tx.execute(BEGUN, of_conversation | row)).one_or_none()) is not None:
        return begun
    return (await tx.execute(HELD, of_conversation)).one()


async def _repeated(tx: AsyncConnection, incoming: Incoming, message_id: str) -> Taken:
    """Return where the message stands that was taken before.

    Raises:
        Conflict: it is of another conversation or patient.
    """
    where = (messages.c.pharmacy_id == incoming.pharmacy_id, messages.c.conversation_id == incoming.conversation_id)
    of_patient = (conversations.c.pharmacy_id == messages.c.pharmacy_id) & (
        conversations.c.id == messages.c.conversation_id
    )
    found = select(messages.c.version, conversations.c.patient_id).join(conversations, of_patient)
    row = (await tx.execute(found.where(*where, messages.c.id == message_id))).one()
    _refuse_other_patient(incoming, row.patient_id)
    return Taken(message_id, incoming.conversation_id, row.version, row.patient_id, repeated=True)


async def _of_key(tx: AsyncConnection, incoming: Incoming) -> str | None:
    """Return the message that this idempotency key already made, or None."""
    if incoming.idempotency is None:
        return None
    where = (
        idempotency_keys.c.pharmacy_id == incoming.pharmacy_id,
        idempotency_keys.c.caller == incoming.idempotency.caller,
        idempotency_keys.c.key == incoming.idempotency.key,
    )
    found = (await tx.execute(select(idempotency_keys).where(*where))).one_or_none()
    if found is not None and found.request_hash != incoming.idempotency.request_hash:
        raise _used_key()
    return str(found.message_id) if found is not None else None


async def _of_event(tx: AsyncConnection, incoming: Incoming) -> str:
    """Return the message that this event already made.

    Raises:
        Conflict: it was another one, or it has been erased.
    """
    where = (inbox.c.pharmacy_id == incoming.pharmacy_id, inbox.c.channel == incoming.channel,
             inbox.c.event_id == incoming.event_id)  # fmt: skip
    found = (await tx.execute(select(inbox.c.raw_hash, inbox.c.message_id).where(*where))).one_or_none()
    if found is None or found.raw_hash != content_hash(incoming):
        raise _used_id(incoming)
    return str(found.message_id)


async def _keep_profile(tx: AsyncConnection, incoming: Incoming, patient_id: str) -> None:
    """Add what the message says of its patient; what it does not say stays as it was."""
    if incoming.patient:
        where = (patients.c.pharmacy_id == incoming.pharmacy_id, patients.c.id == patient_id)
        # Held until the commit: another conversation of the same patient may bring news of them at once.
        before = (await tx.execute(select(patients.c.profile).where(*where).with_for_update())).scalar_one()
        merged = {"profile": _with_news(before, incoming.patient), "updated_at": func.now()}
        await tx.execute(update(patients).where(*where).values(**merged))


def _with_news(before: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Return the profile `before` with what a message told; one consent says nothing of the other."""
    profile = before | told
    if told.get("consent") is not None:
        profile["consent"] = (before.get("consent") or {}) | told["consent"]
    return profile


def _refuse_other_patient(incoming: Incoming, patient_id: str) -> None:
    if incoming.patient_id is not None and incoming.patient_id != patient_id:
        place = f"patient.id = {incoming.patient_id!r}"
        raise Conflict(f"{place}: conversation {incoming.conversation_id!r} belongs to another patient")


def _refuse_other_channel(incoming: Incoming, channel: str) -> None:
    # Else whoever may post a message could put words into a patient's mouth, and be answered to that patient's phone.
    if incoming.channel != channel:
        place = f"conversation_id = {incoming.conversation_id!r}"
        raise Conflict(f"{place}: the conversation is led over another channel than {incoming.channel!r}")


async def _write(tx: AsyncConnection, incoming: Incoming, version: int, hits: Sequence[GateHit]) -> bool:
    """Write the message and what follows from it; say whether it is new, else nothing is written."""
    given = {
        **{f"given_{name}": getattr(incoming, name) for name in _AS_THEY_CAME},
        "given_kind": incoming.kind.value,
        "given_raw_hash": content_hash(incoming),
        "given_version": version,
        "given_hits": hits_json(hits),
    }
    statement = WRITTEN_IN_TIME if incoming.by_own_time else WRITTEN
    return (await tx.execute(statement, given)).one_or_none() is not None


async def _keep_key(tx: AsyncConnection, incoming: Incoming) -> None:
    if incoming.idempotency is not None:
        row = {"pharmacy_id": incoming.pharmacy_id, "conversation_id": incoming.conversation_id,
               "message_id": incoming.message_id, **asdict(incoming.idempotency)}  # fmt: skip
        used = upsert(idempotency_keys).values(**row).on_conflict_do_nothing().returning(idempotency_keys.c.key)
        if (await tx.execute(used)).one_or_none() is None:
            raise _used_key()


def _used_id(incoming: Incoming) -> Conflict:
    return Conflict(
        f"message_id {incoming.event_id!r} was used before with another text or conversation; expected a new one"
    )


def _used_key() -> Conflict:
    return Conflict("Idempotency-Key was used before with another request; expected a new key")
