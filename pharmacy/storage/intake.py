"""Take patients' messages: each with its version, gates and job, all in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
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
from pharmacy.storage.jobs import Jobs, Wanted
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import conversations, idempotency_keys, inbox, messages, patients

LATE = timedelta(hours=24)
"""A message that took longer to arrive is never answered by itself."""

_AS_THEY_CAME = (
    "event_id", "conversation_id", "message_id", "text", "sent_at", "raw", "channel_message_id", "redelivered",
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
class Arrival:
    """One message, with what the gates found in it."""

    incoming: Incoming
    hits: Sequence[GateHit]
    emergency: Outcome | None
    """The handover that intake already knows to be right; then no job is made and nothing waits."""


@dataclass(frozen=True)
class Taken:
    """Where a message stands after it was taken."""

    message_id: str
    conversation_id: str
    version: int
    patient_id: str
    repeated: bool = False
    """True when the same message had been taken before."""


async def take_all(
    tx: AsyncConnection, jobs: Jobs, arrivals: Sequence[Arrival], first_phase: str, bell: Bell
) -> list[Taken]:
    """Write the messages with their versions, and for each either its job or, for an emergency, its handover.

    Args:
        arrivals: of one pharmacy and channel, each of another conversation and event.

    Raises:
        Conflict: an id or an idempotency key was used with other content, or a conversation is another patient's.
            Nothing is to be kept then, of none of them.
    """
    held = await _open_all(tx, [arrival.incoming for arrival in arrivals], first_phase)
    # Under the conversations' locks: a second delivery has waited behind the first.
    known = {arrival.incoming.event_id: await _of_key(tx, arrival.incoming) for arrival in arrivals}
    versions = {}
    for arrival in (arrival for arrival in arrivals if not known[arrival.incoming.event_id]):
        conversation = held[arrival.incoming.conversation_id]
        _refuse_other_channel(arrival.incoming, conversation.channel)
        versions[arrival.incoming.event_id] = conversation.version + 1
    new = await _write(tx, [arrival for arrival in arrivals if arrival.incoming.event_id in versions], versions)
    taken = []
    for arrival in arrivals:
        incoming, conversation = arrival.incoming, held[arrival.incoming.conversation_id]
        if incoming.event_id in new:
            await _keep_more(tx, arrival, conversation, bell)
            version = versions[incoming.event_id]
            taken.append(Taken(incoming.message_id, conversation.id, version, conversation.patient_id))
        else:
            message_id = known[incoming.event_id] or await _of_event(tx, incoming)
            taken.append(await _repeated(tx, incoming, message_id))
    fresh = [arrival for arrival in arrivals if arrival.incoming.event_id in new]
    unanswered = [arrival.incoming for arrival in fresh if arrival.emergency is None]
    await enqueue_replies(tx, jobs, [(incoming.pharmacy_id, incoming.conversation_id) for incoming in unanswered])
    for arrival in fresh:
        await _tell(tx, arrival, versions[arrival.incoming.event_id])
    return taken


async def _keep_more(tx: AsyncConnection, arrival: Arrival, conversation: Any, bell: Bell) -> None:
    """Write what else a new message brings: its patient, the caller's key, an emergency's handover."""
    incoming, emergency = arrival.incoming, arrival.emergency
    # What is refused is rolled back with all that was written.
    _refuse_other_patient(incoming, conversation.patient_id)
    await _keep_profile(tx, incoming, conversation.patient_id)
    await _keep_key(tx, incoming)
    if emergency is not None:
        here = replace(emergency, phase=conversation.phase, category=conversation.category)
        covered = outcomes.Covered(incoming.pharmacy_id, incoming.conversation_id, conversation.version + 1)
        # Words for an emergency of yesterday no longer fit whoever reads them; a person is called all the same.
        late = datetime.now(UTC) - incoming.sent_at > LATE
        await outcomes.write_handover(tx, bell.without_words() if late else bell, covered, here)


async def _tell(tx: AsyncConnection, arrival: Arrival, version: int) -> None:
    incoming, rules = arrival.incoming, [hit.rule for hit in arrival.hits]
    said = {"version": version, "conversation": incoming.conversation_id, "rules": rules}
    await audit.append(
        tx, incoming.pharmacy_id, f"channel:{incoming.channel}", "message_taken", incoming.message_id, said
    )


async def enqueue_reply(tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str) -> None:
    """Have whatever is unanswered in the conversation answered."""
    await enqueue_replies(tx, jobs, [(pharmacy_id, conversation_id)])


async def enqueue_replies(tx: AsyncConnection, jobs: Jobs, of: Sequence[tuple[str, str]]) -> None:
    """Have whatever is unanswered in conversations answered.

    Args:
        of: each with its pharmacy.
    """
    wanted = [
        Wanted(f"reply:{pharmacy_id}:{conversation_id}",
               {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id})
        for pharmacy_id, conversation_id in of
    ]  # fmt: skip
    await jobs.enqueue_all(tx, "reply", wanted)


def content_hash(incoming: Incoming) -> str:
    """Return the hash that tells a repeat from another message under the same id."""
    content = [incoming.conversation_id, incoming.text, incoming.kind.value]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


async def open_conversations(
    tx: AsyncConnection, pharmacy_id: str, channel: str, patients_of: Mapping[str, str], first_phase: str
) -> dict[str, Any]:
    """Return each conversation's row, made if need be, and held until the transaction ends.

    Args:
        patients_of: each conversation's patient, who is begun with it.
    """
    held = await _held(tx, pharmacy_id, [*patients_of])
    if new := [which for which in patients_of if which not in held]:
        row = {"given_id": new, "given_patient_id": [patients_of[which] for which in new],
               "given_pharmacy_id": pharmacy_id, "given_channel": channel, "given_phase": first_phase}  # fmt: skip
        held |= {begun.id: begun for begun in await tx.execute(BEGUN, row)}
    if others := [which for which in new if which not in held]:
        held |= await _held(tx, pharmacy_id, others)
    return held


async def _open_all(tx: AsyncConnection, incoming: Sequence[Incoming], first_phase: str) -> dict[str, Any]:
    of = {(each.pharmacy_id, each.channel) for each in incoming}
    patients_of = {each.conversation_id: each.patient_id or each.conversation_id for each in incoming}
    if len(of) != 1 or len(patients_of) != len(incoming):
        raise ValueError(f"arrivals of {sorted(of)}: expected one pharmacy and channel, each of another conversation")
    return await open_conversations(tx, *of.pop(), patients_of, first_phase)


async def _held(tx: AsyncConnection, pharmacy_id: str, which: Sequence[str]) -> dict[str, Any]:
    found = await tx.execute(HELD, {"given_pharmacy_id": pharmacy_id, "given_ids": [*which]})
    return {row.id: row for row in found}


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


async def _write(tx: AsyncConnection, arrivals: Sequence[Arrival], versions: Mapping[str, int]) -> set[str]:
    """Write the messages and what follows from them; return the events that are new, of others nothing is written."""
    if not arrivals:
        return set()
    first = arrivals[0].incoming
    given: dict[str, Any] = {
        f"given_{name}": [getattr(arrival.incoming, name) for arrival in arrivals] for name in _AS_THEY_CAME
    } | {
        "given_pharmacy_id": first.pharmacy_id,
        "given_channel": first.channel,
        "given_kind": [arrival.incoming.kind.value for arrival in arrivals],
        "given_raw_hash": [content_hash(arrival.incoming) for arrival in arrivals],
        "given_version": [versions[arrival.incoming.event_id] for arrival in arrivals],
        "given_hits": [hits_json(arrival.hits) for arrival in arrivals],
    }
    statement = WRITTEN_IN_TIME if first.by_own_time else WRITTEN
    return {row.event_id for row in await tx.execute(statement, given)}


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
