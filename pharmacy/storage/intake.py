"""Take a patient's message: message, version, gates and job in one transaction."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.outcome_json import hits_json
from pharmacy.storage import audit, outcomes
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.notices import notify
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import conversations, idempotency_keys, inbox, messages, patients, suggestions


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

    idempotency: tuple[str, str] | None = None
    """Caller and key, when the caller gave one."""


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
) -> Taken:
    """Write the message with its version, and either its job or, for an emergency, its handover.

    Args:
        emergency: the handover that intake already knows to be right; then no job is made and nothing waits.

    Raises:
        Conflict: the id or the idempotency key was used with other content, or the conversation is another patient's.
    """
    if known := await _known(tx, incoming):
        return known
    await _open_conversation(tx, incoming, first_phase)
    conversation = (await tx.execute(_locked(incoming))).one()
    _refuse_other_patient(incoming, conversation.patient_id)
    await _keep_profile(tx, incoming, conversation.patient_id)
    # A second delivery may have waited for the lock behind the first.
    if known := await _known(tx, incoming):
        return known
    version = conversation.version + 1
    await _write(tx, incoming, version, hits)
    if emergency is not None:
        here = replace(emergency, phase=conversation.phase, category=conversation.category)
        await outcomes.write_handover(tx, incoming.pharmacy_id, incoming.conversation_id, version, None, here)
    else:
        arguments = {"pharmacy_id": incoming.pharmacy_id, "conversation_id": incoming.conversation_id}
        await jobs.enqueue(
            tx, "reply", lock=f"reply:{incoming.pharmacy_id}:{incoming.conversation_id}", arguments=arguments
        )
    await notify(tx, "conversation", f"{incoming.pharmacy_id}/{incoming.conversation_id}")
    said = {"version": version, "conversation": incoming.conversation_id, "rules": [hit.rule for hit in hits]}
    await audit.append(
        tx, incoming.pharmacy_id, f"channel:{incoming.channel}", "message_taken", incoming.message_id, said
    )
    return Taken(incoming.message_id, incoming.conversation_id, version, conversation.patient_id)


def raw_hash(incoming: Incoming) -> str:
    """Return the hash that tells a repeat from another message under the same id."""
    content = [incoming.conversation_id, incoming.text, incoming.kind.value]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


async def _known(tx: AsyncConnection, incoming: Incoming) -> Taken | None:
    message_id = await _idempotent(tx, incoming)
    found = (
        await tx.execute(
            select(inbox.c.raw_hash, inbox.c.message_id).where(
                inbox.c.pharmacy_id == incoming.pharmacy_id,
                inbox.c.channel == incoming.channel,
                inbox.c.event_id == incoming.event_id if message_id is None else inbox.c.message_id == message_id,
            )
        )
    ).one_or_none()
    if found is None:
        return None
    if found.raw_hash != raw_hash(incoming):
        place = f"message_id {incoming.event_id!r}" if message_id is None else "Idempotency-Key"
        raise Conflict(f"{place} was used before with another text or conversation; expected a new one")
    row = (
        await tx.execute(
            select(messages.c.version, messages.c.conversation_id, conversations.c.patient_id)
            .join(conversations, (conversations.c.pharmacy_id == messages.c.pharmacy_id) & (conversations.c.id == messages.c.conversation_id))
            .where(messages.c.pharmacy_id == incoming.pharmacy_id, messages.c.id == found.message_id,
                   messages.c.conversation_id == incoming.conversation_id)
        )
    ).one()  # fmt: skip
    _refuse_other_patient(incoming, row.patient_id)
    return Taken(found.message_id, row.conversation_id, row.version, row.patient_id, repeated=True)


async def _idempotent(tx: AsyncConnection, incoming: Incoming) -> str | None:
    """Return the message that this idempotency key already made, or None."""
    if incoming.idempotency is None:
        return None
    caller, key = incoming.idempotency
    where = (
        idempotency_keys.c.pharmacy_id == incoming.pharmacy_id,
        idempotency_keys.c.caller == caller,
        idempotency_keys.c.key == key,
    )
    found = (await tx.execute(select(idempotency_keys).where(*where))).one_or_none()
    if found is None:
        return None
    if found.request_hash != raw_hash(incoming):
        raise Conflict("Idempotency-Key was used before with another request; expected a new key")
    return str(found.message_id)


async def _open_conversation(tx: AsyncConnection, incoming: Incoming, first_phase: str) -> None:
    patient_id = incoming.patient_id or incoming.conversation_id
    where = (conversations.c.pharmacy_id == incoming.pharmacy_id, conversations.c.id == incoming.conversation_id)
    if (await tx.execute(select(conversations.c.id).where(*where))).one_or_none() is None:
        values = {"pharmacy_id": incoming.pharmacy_id, "id": incoming.conversation_id, "patient_id": patient_id}
        await tx.execute(
            upsert(patients)
            .values(pharmacy_id=incoming.pharmacy_id, id=patient_id, profile={})
            .on_conflict_do_nothing()
        )
        await tx.execute(
            upsert(conversations).values(**values, channel=incoming.channel, phase=first_phase).on_conflict_do_nothing()
        )


async def _keep_profile(tx: AsyncConnection, incoming: Incoming, patient_id: str) -> None:
    """Add what the message says of its patient; what it does not say stays as it was."""
    if incoming.patient:
        merged = {"profile": patients.c.profile.op("||")(cast(incoming.patient, JSONB)), "updated_at": func.now()}
        where = (patients.c.pharmacy_id == incoming.pharmacy_id, patients.c.id == patient_id)
        await tx.execute(update(patients).where(*where).values(**merged))


def _locked(incoming: Incoming) -> Any:
    where = (conversations.c.pharmacy_id == incoming.pharmacy_id, conversations.c.id == incoming.conversation_id)
    return select(conversations).where(*where).with_for_update()


def _refuse_other_patient(incoming: Incoming, patient_id: str) -> None:
    if incoming.patient_id is not None and incoming.patient_id != patient_id:
        raise Conflict(
            f"patient.id: conversation {incoming.conversation_id!r} belongs to another patient than {incoming.patient_id!r}"
        )


async def _write(tx: AsyncConnection, incoming: Incoming, version: int, hits: Sequence[GateHit]) -> None:
    scope = {"pharmacy_id": incoming.pharmacy_id}
    of_conversation = {**scope, "conversation_id": incoming.conversation_id}
    await tx.execute(
        insert(inbox).values(**scope, event_id=incoming.event_id, channel=incoming.channel, raw=incoming.raw,
                             raw_hash=raw_hash(incoming), message_id=incoming.message_id)
    )  # fmt: skip
    await tx.execute(
        insert(messages).values(**of_conversation, id=incoming.message_id, version=version, author="patient",
                                kind=incoming.kind.value, text=incoming.text, sent_at=incoming.sent_at, hits=hits_json(hits))
    )  # fmt: skip
    if incoming.idempotency is not None:
        caller, key = incoming.idempotency
        await tx.execute(
            insert(idempotency_keys).values(**of_conversation, caller=caller, key=key, request_hash=raw_hash(incoming),
                                            message_id=incoming.message_id)
        )  # fmt: skip
    where = (conversations.c.pharmacy_id == incoming.pharmacy_id, conversations.c.id == incoming.conversation_id)
    await tx.execute(
        update(conversations).where(*where).values(version=version, last_message_at=func.now(), snoozed_until=None)
    )
    # What was written before this message may no longer answer it.
    await tx.execute(
        update(suggestions)
        .where(suggestions.c.pharmacy_id == incoming.pharmacy_id, suggestions.c.conversation_id == incoming.conversation_id,
               suggestions.c.state == "open")
        .values(state="superseded", decided_at=func.now(), decided_by="newer message")
    )  # fmt: skip
