"""Take LINE's events that are no message: a withdrawal, a patient who comes or goes, what cannot be read."""

import logging
from collections.abc import Sequence
from functools import partial

from nodes.hand_over import hand_over, with_gates
from pharmacy.channels.line.events import Effect, LineEvent
from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.storage import cases, intake, leaving, line_contacts, line_events, withdrawing
from pharmacy.storage.database import Transaction
from pharmacy.storage.line_events import Kept
from server.line_messages import Told, tell_nobody
from server.program import Program

UNREADABLE = "LINE told of something that could not be read; it stands in the list of LINE's events"
LEFT = Problem(UnsentFor.PATIENT_LEFT, "the patient has left or blocked the account")

log = logging.getLogger(__name__)


async def change(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> Told:
    """Do what the event says; return what is to be told of it after the commit."""
    match event.effect:
        case Effect.UNSEND:
            await _unsend(tx, program, pharmacy_id, event)
        case Effect.FOLLOW | Effect.UNFOLLOW:
            await _follow(tx, program, pharmacy_id, event)
        case Effect.PARKED:
            if await _park(tx, program, pharmacy_id, event):
                # An error, so that whatever watches the log calls somebody; never a patient's words.
                return partial(log.error, "line_event_parked event=%s type=%s", event.event_id, event.type)
        case _:
            await line_events.keep_all(tx, [kept(pharmacy_id, event, "ignored")])
    return tell_nobody


def kept(pharmacy_id: str, event: LineEvent, state: str) -> Kept:
    """Return what is kept of the event."""
    return Kept(
        pharmacy_id=pharmacy_id,
        event_id=event.event_id,
        type=event.type,
        state=state,
        said=event.said,
        user_id=event.user_id,
        raw=event.raw if event.private else None,
        redelivered=event.redelivered,
        sent_at=event.sent_at,
    )


async def _park(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> bool:
    """Keep what cannot be read, and call a person where it says whose it is; say whether it is new."""
    conversation = None
    if event.user_id is not None:
        contact = await line_contacts.held(tx, pharmacy_id, event.user_id)
        which, phase = contact.conversation_id, program.assembled.flow.first_phase
        conversation = (await intake.open_conversations(tx, pharmacy_id, "line", {which: which}, phase))[which]
    new = await line_events.keep(tx, kept(pharmacy_id, event, "parked"))
    if new and conversation is not None:
        # Whatever the patient wrote, no gate has read it; and what it was nobody knows, so nothing is said of it.
        reason = Reason("event_unreadable", UNREADABLE, Tier.U)
        await cases.open_case_for(tx, program.bell.without_words(), conversation, reason)
    return new


async def _unsend(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> None:
    if event.user_id is None or event.message_id is None:
        raise ValueError(f"event {event.event_id!r}: an unsend without user or message; expected both")
    contact = await line_contacts.held(tx, pharmacy_id, event.user_id)
    if not await line_events.keep(tx, kept(pharmacy_id, event, "done")):
        return
    await line_events.note_unsent(tx, pharmacy_id, event.user_id, event.message_id)
    await line_events.forget_parked(tx, pharmacy_id, event.user_id)
    of = (pharmacy_id, contact.conversation_id, event.message_id)
    await withdrawing.withdraw(tx, program.bell, *of, _unsent)


def _unsent(phase: str, hits: Sequence[GateHit]) -> Outcome:
    return hand_over(with_gates(Reason(Kind.UNSENT.value, withdrawing.SAID), hits), None, phase)


async def _follow(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> None:
    if event.user_id is None or event.sent_at is None:
        raise ValueError(f"event {event.event_id!r}: a {event.type} without user or time; expected both")
    left = event.effect is Effect.UNFOLLOW
    contact = await line_contacts.held(tx, pharmacy_id, event.user_id)
    if not await line_events.keep(tx, kept(pharmacy_id, event, "done")):
        return
    newest = await line_contacts.set_blocked(tx, pharmacy_id, event.user_id, event.sent_at, blocked=left)
    if left and newest:
        await leaving.stop_sending(tx, program.jobs, pharmacy_id, contact.conversation_id, LEFT)
