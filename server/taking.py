"""Take patients' messages: triage them, then commit each with its version and its job or its handover."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from nodes.hand_over import gate_reason, hand_over
from nodes.load import openings
from nodes.triage import triage
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Outcome
from pharmacy.storage import audit, intake
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.incoming import Arrival, Idempotency, Incoming, Taken
from server import metrics
from server.asks import MessageIn
from server.program import Program
from server.rounds import Way
from server.worker.alarms import log_emergency


@dataclass(frozen=True)
class Judged:
    """What the gates found in a message's words."""

    hits: tuple[GateHit, ...]
    emergency: Outcome | None
    """The handover that needs no run to be known as right."""

    def of(self, incoming: Incoming) -> Arrival:
        """Return the message with what was found in it."""
        return Arrival(incoming, self.hits, self.emergency)


async def take_message(
    program: Program,
    by: Caller,
    body: MessageIn,
    raw: bytes,
    event_id: str,
    now: datetime,
    idempotency_key: str | None = None,
) -> Taken:
    """Return where the message stands once it is committed.

    Args:
        event_id: names the event for ever; the same one again is the same message.

    Raises:
        Conflict: the id or key was used with other content, or the conversation is another patient's.
        StoreBusy: nothing was written.
    """
    incoming = _incoming(body, raw, by, event_id, now, idempotency_key)
    with program.doorway.taking():
        arrival = judge_words(program, incoming.text).of(incoming)
        take = partial(_commit, program, incoming.pharmacy_id)
        if _is_plain(arrival):
            way = Way(incoming.channel, incoming.pharmacy_id)
            keys = {f"conversation {incoming.conversation_id}", f"event {incoming.event_id}"}
            taken = await program.rounds.taken(way, arrival, take, keys=keys)
        else:
            (taken,) = await take([arrival])
    tell(arrival, taken)
    return taken


def _is_plain(arrival: Arrival) -> bool:
    """Say whether it only waits for a reply: all else takes more locks than its conversation's, or is not to wait for
    anybody's."""
    return not (arrival.incoming.patient_id or arrival.incoming.idempotency or arrival.emergency)


async def _commit(program: Program, pharmacy_id: str, arrivals: Sequence[Arrival]) -> list[Taken]:
    async def work(tx: Transaction) -> list[Taken]:
        async with audit.together(tx):
            return await write(tx, program, arrivals)

    return await program.database.transact(work, pharmacy_id)


def judge_words(program: Program, words: str) -> Judged:
    """Return what the gates find; done before the commit, so that an emergency never stands in a queue."""
    flow, recogniser = program.assembled.flow, program.assembled.replies.parts.recogniser
    found = triage([words], recogniser, openings(flow))
    emergency = hand_over(gate_reason(found.hits), None, flow.first_phase) if found.tier is Tier.E else None
    return Judged(found.hits, emergency)


def without_words(judged: Judged) -> Judged:
    """Return what the gates found without the words in which they found it; the tier stays."""
    hits = tuple(replace(hit, matched="") for hit in judged.hits)
    emergency = judged.emergency and hand_over(gate_reason(hits), None, judged.emergency.phase)
    return Judged(hits, emergency)


async def write(tx: Transaction, program: Program, arrivals: Sequence[Arrival]) -> list[Taken]:
    """Write messages, each of another conversation, in the caller's transaction, with their jobs and handovers."""
    if not arrivals:
        return []
    return await intake.take_all(tx, program.jobs, arrivals, program.assembled.flow.first_phase, program.bell)


def tell(arrival: Arrival, taken: Taken) -> None:
    """Count and log an emergency that has just been stored."""
    if arrival.emergency is not None and not taken.repeated:
        metrics.count_outcome(arrival.emergency, 0.0)
        log_emergency(taken.conversation_id, taken.version)


def _incoming(
    body: MessageIn, raw: bytes, by: Caller, event_id: str, now: datetime, idempotency_key: str | None
) -> Incoming:
    patient = body.patient
    return Incoming(
        pharmacy_id=by.pharmacy_id,
        channel="api",
        event_id=event_id,
        conversation_id=body.conversation_id,
        message_id=event_id,
        patient_id=patient.id if patient else None,
        text=body.text,
        sent_at=body.sent_at or now,
        raw=raw,
        patient=patient.model_dump(exclude={"id"}, exclude_unset=True, mode="json") if patient else None,
        idempotency=Idempotency(by.actor, idempotency_key, _request_hash(body)) if idempotency_key else None,
    )


def _request_hash(body: MessageIn) -> str:
    return hashlib.sha256(body.model_dump_json(exclude_unset=True).encode()).hexdigest()
