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


@dataclass(frozen=True)
class Message:
    """One message with what the gates found in it."""

    incoming: Incoming
    judged: Judged

    @property
    def keys(self) -> set[str]:
        """Its conversation, and the message itself."""
        return {f"conversation {self.incoming.conversation_id}", f"event {self.incoming.event_id}"}

    @property
    def size(self) -> int:
        """How much of a round it fills."""
        return 1

    @property
    def is_plain(self) -> bool:
        """Say whether it only waits for a reply: all else takes more locks than its conversation's, or is not to wait
        for anybody's."""
        more = self.incoming.patient_id or self.incoming.idempotency or self.judged.emergency
        return not more


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
        message, take = Message(incoming, judged), partial(_commit, program, incoming.pharmacy_id)
        if message.is_plain:
            taken = await program.rounds.taken(Way(incoming.channel, incoming.pharmacy_id), message, take)
        else:
            (taken,) = await take([message])
    tell(judged, taken)
    return taken


async def _commit(program: Program, pharmacy_id: str, messages: Sequence[Message]) -> list[Taken]:
    read = [(message.incoming, message.judged) for message in messages]

    async def work(tx: Transaction) -> list[Taken]:
        async with audit.together(tx):
            return await write(tx, program, read)

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


async def write(tx: Transaction, program: Program, messages: Sequence[tuple[Incoming, Judged]]) -> list[Taken]:
    """Write messages, each of another conversation, in the caller's transaction, with their jobs and handovers."""
    if not messages:
        return []
    arrivals = [Arrival(incoming, judged.hits, judged.emergency) for incoming, judged in messages]
    return await intake.take_all(tx, program.jobs, arrivals, program.assembled.flow.first_phase, program.bell)


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
