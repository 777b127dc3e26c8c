"""Take a patient's message: triage it, then commit it with its version and its job or its handover."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from nodes.hand_over import gate_reason, hand_over
from nodes.load import openings
from nodes.triage import triage
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Outcome
from pharmacy.storage import intake
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.intake import Idempotency, Incoming, Taken
from server import metrics
from server.asks import MessageIn
from server.program import Program
from server.worker.alarms import log_emergency


@dataclass(frozen=True)
class Judged:
    """What the gates found in a message's words."""

    hits: tuple[GateHit, ...]
    emergency: Outcome | None
    """The handover that needs no run to be known as right."""


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
        judged = judge_words(program, incoming.text)
        taken = await program.database.transact(lambda tx: write(tx, program, incoming, judged), incoming.pharmacy_id)
    tell(judged, taken)
    return taken


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


async def write(tx: Transaction, program: Program, incoming: Incoming, judged: Judged) -> Taken:
    """Write the message in the caller's transaction, with its job or, for an emergency, its handover."""
    phase = program.assembled.flow.first_phase
    return await intake.take(tx, program.jobs, incoming, phase, judged.hits, judged.emergency, program.bell)


def tell(judged: Judged, taken: Taken) -> None:
    """Count and log an emergency that has just been stored."""
    if judged.emergency is not None and not taken.repeated:
        metrics.count_outcome(judged.emergency, 0.0)
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
