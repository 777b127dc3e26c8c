"""Take LINE's events, those of one patient together: a message, a withdrawal, a patient who comes or goes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from nodes.hand_over import hand_over, with_gates
from pharmacy.channels.line.contents import Content
from pharmacy.channels.line.events import Effect, LineEvent
from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.storage import (
    audit,
    cases,
    erasure,
    holding,
    leaving,
    line_contacts,
    line_events,
    media,
    withdrawing,
)
from pharmacy.storage.database import Transaction
from pharmacy.storage.intake import Incoming
from pharmacy.storage.line_events import Kept, Known
from pharmacy.storage.refusals import NotHere, StoreBusy
from pharmacy.storage.storable import storable
from server import metrics
from server.program import Program
from server.taking import judge_words, tell, without_words, write

FOREIGN = "the file lies outside LINE, where nothing is fetched from"
UNREADABLE = "LINE told of something that could not be read; it stands in the list of LINE's events"
LEFT = "the patient has left or blocked the account"

TOGETHER = 25
"""How many events of one patient are taken at once, at most: nobody waits long behind them."""

Told = Callable[[], None]
"""What is said of an event once it is committed."""

Work = Callable[[Transaction], Awaitable[Told]]

log = logging.getLogger(__name__)


async def take_events(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    """Commit what events of one patient do, in their order and together; the same event again does nothing.

    Raises:
        StoreBusy: at least one was not written.
    """
    try:
        await _commit(program, pharmacy_id, events)
    except StoreBusy:
        raise
    except Exception:
        if len(events) == 1:
            raise
        # The one that cannot be taken keeps none out that came before it.
        for event in events:
            await _commit(program, pharmacy_id, [event])


async def _commit(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    with program.doorway.taking():
        await _take(program, pharmacy_id, events)


async def _take(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    # The gates read before the transaction begins: it waits for nothing but the store.
    works: list[tuple[LineEvent, Work]] = []
    for event in events:
        works.append((event, _work(program, pharmacy_id, event)))
        await asyncio.sleep(0)

    async def take(tx: Transaction) -> list[tuple[LineEvent, Told]]:
        async with audit.together(tx):
            fresh = [each for each in works if not await _is_erased(tx, pharmacy_id, each[0])]
            return [(event, await work(tx)) for event, work in fresh]

    for event, told in await program.database.transact(take, pharmacy_id):
        told()
        metrics.LINE_EVENTS.labels(event.effect.value).inc()


async def _is_erased(tx: Transaction, pharmacy_id: str, event: LineEvent) -> bool:
    # Not one that comes for the first time: whatever is repeated may be of a patient who was erased meanwhile.
    return event.redelivered and await erasure.is_erased(tx, pharmacy_id, event.event_id)


def _work(program: Program, pharmacy_id: str, event: LineEvent) -> Work:
    """Return what the event does in a transaction."""
    if event.effect is Effect.MESSAGE:
        return _message(program, pharmacy_id, event)

    async def work(tx: Transaction) -> Told:
        match event.effect:
            case Effect.UNSEND:
                await _unsend(tx, program, pharmacy_id, event)
            case Effect.FOLLOW | Effect.UNFOLLOW:
                await _follow(tx, program, pharmacy_id, event)
            case Effect.PARKED:
                if await _park(tx, program, pharmacy_id, event):
                    # An error, so that whatever watches the log calls somebody; never a patient's words.
                    return lambda: log.error("line_event_parked event=%s type=%s", event.event_id, event.type)
            case _:
                await line_events.keep_all(tx, [_kept(pharmacy_id, event, "ignored")])
        return _nothing

    return work


def _nothing() -> None:
    """Tell nobody."""


async def _park(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> bool:
    """Keep what cannot be read, and call a person where its patient is known; say whether it is new."""
    conversation = None
    if event.user_id is not None:
        contact = await line_contacts.held(tx, pharmacy_id, event.user_id)
        with suppress(NotHere):
            conversation = await holding.locked(tx, pharmacy_id, contact.conversation_id)
    new = await line_events.keep(tx, _kept(pharmacy_id, event, "parked"))
    if new and conversation is not None:
        # Whatever the patient wrote, no gate has read it; and what it was nobody knows, so nothing is said of it.
        reason = Reason("event_unreadable", UNREADABLE, Tier.U)
        await cases.open_case_for(tx, program.bell.without_words(), conversation, reason)
    return new


async def take_idle(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    """Commit the keeping of events that do nothing, all in one transaction.

    Raises:
        StoreBusy: nothing was written.
    """
    kept = [_kept(pharmacy_id, event, "ignored") for event in events]
    await program.database.transact(lambda tx: line_events.keep_all(tx, kept), pharmacy_id)
    metrics.LINE_EVENTS.labels(Effect.NOTHING.value).inc(len(kept))


def _message(program: Program, pharmacy_id: str, event: LineEvent) -> Work:
    content, user_id = _whole(event)
    judged = judge_words(program, content.words)

    async def take(tx: Transaction) -> Told:
        contact = await line_contacts.heard(tx, pharmacy_id, user_id, event.sent_at or datetime.now(UTC))
        known = Known(pharmacy_id, event.event_id, user_id, event.message_id)
        is_message, is_withdrawn = await line_events.known(tx, known)
        if is_message:
            return _nothing
        if is_withdrawn:
            gone = _incoming(pharmacy_id, contact.conversation_id, event, Content(Kind.UNSENT, ""), b"")
            written = await write(tx, program, gone, without_words(judged))
            return lambda: tell(judged, written)
        incoming = _incoming(pharmacy_id, contact.conversation_id, event, content, event.raw)
        taken = await write(tx, program, incoming, judged)
        if content.file and event.message_id:
            of = media.Of(pharmacy_id, taken.conversation_id, taken.message_id)
            refused = FOREIGN if content.foreign else None
            await media.expect(tx, program.jobs, of, event.message_id, content.file, refused)
        return lambda: tell(judged, taken)

    return take


def _whole(event: LineEvent) -> tuple[Content, str]:
    if event.content is None or event.user_id is None:
        raise ValueError(f"event {event.event_id!r}: a message without content or user; expected both")
    words = storable(event.content.words)
    return Content(event.content.kind, words, event.content.file, event.content.foreign), event.user_id


def _incoming(pharmacy_id: str, conversation_id: str, event: LineEvent, content: Content, raw: bytes) -> Incoming:
    return Incoming(
        pharmacy_id=pharmacy_id,
        channel="line",
        event_id=event.event_id,
        conversation_id=conversation_id,
        message_id=event.event_id,
        patient_id=None,
        text=content.words,
        sent_at=event.sent_at or datetime.now(UTC),
        raw=raw,
        kind=content.kind,
        channel_message_id=event.message_id,
        redelivered=event.redelivered,
        by_own_time=True,
    )


async def _unsend(tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent) -> None:
    if event.user_id is None or event.message_id is None:
        raise ValueError(f"event {event.event_id!r}: an unsend without user or message; expected both")
    contact = await line_contacts.held(tx, pharmacy_id, event.user_id)
    if not await line_events.keep(tx, _kept(pharmacy_id, event, "done")):
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
    if not await line_events.keep(tx, _kept(pharmacy_id, event, "done")):
        return
    newest = await line_contacts.set_blocked(tx, pharmacy_id, event.user_id, event.sent_at, blocked=left)
    if left and newest:
        await leaving.stop_sending(tx, program.jobs, pharmacy_id, contact.conversation_id, LEFT)


def _kept(pharmacy_id: str, event: LineEvent, state: str) -> Kept:
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
