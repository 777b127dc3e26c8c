"""Take patients' messages: each with its version, gates and job, all in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.outcome_json import hits_json
from pharmacy.storage import audit, outcomes
from pharmacy.storage.cases import Bell
from pharmacy.storage.incoming import Arrival, Incoming, Taken, content_hash
from pharmacy.storage.intake_known import (
    keep_key,
    of_event,
    of_key,
    refuse_other_channel,
    refuse_other_patient,
    repeated,
)
from pharmacy.storage.intake_statements import BEGUN, HELD, WRITTEN, WRITTEN_IN_TIME
from pharmacy.storage.jobs import Jobs, Wanted
from pharmacy.storage.tables import patients

LATE = timedelta(hours=24)
"""A message that took longer to arrive is never answered by itself."""

_AS_THEY_CAME = (
    "event_id", "conversation_id", "message_id", "text", "sent_at", "raw", "channel_message_id", "redelivered",
)  # fmt: skip


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
    known = {arrival.incoming.event_id: await of_key(tx, arrival.incoming) for arrival in arrivals}
    unknown = [arrival for arrival in arrivals if not known[arrival.incoming.event_id]]
    for arrival in unknown:
        refuse_other_channel(arrival.incoming, held[arrival.incoming.conversation_id].channel)
    written = await _write(tx, unknown, held)
    new = [arrival for arrival in unknown if arrival.incoming.event_id in written]
    for arrival in new:
        await _keep_more(tx, arrival, held[arrival.incoming.conversation_id], bell)
    waiting = [arrival.incoming for arrival in new if arrival.emergency is None]
    await enqueue_replies(tx, jobs, [(incoming.pharmacy_id, incoming.conversation_id) for incoming in waiting])
    for arrival in new:
        await _tell(tx, arrival, _version(held, arrival.incoming))
    return [
        _taken(held, arrival.incoming)
        if arrival.incoming.event_id in written
        else await _again(tx, arrival.incoming, known[arrival.incoming.event_id])
        for arrival in arrivals
    ]


def _version(held: Mapping[str, Any], incoming: Incoming) -> int:
    """Return the version that a new message gives to its conversation."""
    return int(held[incoming.conversation_id].version) + 1


def _taken(held: Mapping[str, Any], incoming: Incoming) -> Taken:
    patient_id = held[incoming.conversation_id].patient_id
    return Taken(incoming.message_id, incoming.conversation_id, _version(held, incoming), patient_id)


async def _again(tx: AsyncConnection, incoming: Incoming, message_id: str | None) -> Taken:
    return await repeated(tx, incoming, message_id or await of_event(tx, incoming))


async def _keep_more(tx: AsyncConnection, arrival: Arrival, conversation: Any, bell: Bell) -> None:
    """Write what else a new message brings: its patient, the caller's key, an emergency's handover."""
    incoming, emergency = arrival.incoming, arrival.emergency
    # What is refused is rolled back with all that was written.
    refuse_other_patient(incoming, conversation.patient_id)
    await _keep_profile(tx, incoming, conversation.patient_id)
    await keep_key(tx, incoming)
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


async def _write(tx: AsyncConnection, arrivals: Sequence[Arrival], held: Mapping[str, Any]) -> set[str]:
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
        "given_version": [_version(held, arrival.incoming) for arrival in arrivals],
        "given_hits": [hits_json(arrival.hits) for arrival in arrivals],
    }
    statement = WRITTEN_IN_TIME if first.by_own_time else WRITTEN
    return {row.event_id for row in await tx.execute(statement, given)}
