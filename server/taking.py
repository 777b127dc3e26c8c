"""Take a patient's message: triage it, then commit it with its version and its job or its handover."""

import hashlib
import logging
from datetime import datetime

from nodes.hand_over import gate_reason, hand_over
from nodes.load import openings
from nodes.triage import Triage, triage
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import Outcome
from pharmacy.storage import intake
from pharmacy.storage.access import Caller
from pharmacy.storage.intake import Idempotency, Incoming, Taken
from server import metrics
from server.asks import MessageIn
from server.program import Program

log = logging.getLogger(__name__)


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
    flow, recogniser = program.assembled.flow, program.assembled.replies.parts.recogniser
    # Before the commit, so that an emergency is with a person at once and never in a queue.
    found = triage([incoming.text], recogniser, openings(flow))
    emergency = _emergency(found, flow.first_phase)
    taken = await program.database.transact(
        lambda tx: intake.take(tx, program.jobs, incoming, flow.first_phase, found.hits, emergency),
        incoming.pharmacy_id,
    )
    if emergency is not None and not taken.repeated:
        metrics.count_outcome(emergency, 0.0)
        # An error, so that whatever watches the log wakes somebody; ids only, and never before it is stored.
        log.error("emergency_handed_over conversation=%s message=%s", taken.conversation_id, taken.message_id)
    return taken


def _emergency(found: Triage, phase: str) -> Outcome | None:
    return hand_over(gate_reason(found.hits), None, phase) if found.tier is Tier.E else None


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
