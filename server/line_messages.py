"""Take patients' messages over LINE: who writes, whether it is known or withdrawn, what comes with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from pharmacy.channels.line.contents import Content
from pharmacy.channels.line.events import LineEvent
from pharmacy.domain.conversation import Kind
from pharmacy.storage import line_contacts, line_events, media
from pharmacy.storage.database import Transaction
from pharmacy.storage.incoming import Arrival, Incoming, Taken
from pharmacy.storage.line_events import Known
from pharmacy.storage.storable import storable
from server.program import Program
from server.taking import Judged, tell, without_words, write

FOREIGN = "the file lies outside LINE, where nothing is fetched from"

Told = Callable[[], None]
"""What is said of an event once it is committed."""


async def take_messages(
    tx: Transaction, program: Program, pharmacy_id: str, messages: Sequence[tuple[LineEvent, Judged]]
) -> list[tuple[LineEvent, Told]]:
    """Write messages, each of another patient; one that is known already does nothing.

    Returns:
        Each event with what is to be told of it after the commit.
    """
    if not messages:
        return []
    wrote = {_user(event): event.sent_at or datetime.now(UTC) for event, _ in messages}
    contacts = await line_contacts.heard(tx, pharmacy_id, wrote)
    of = [Known(event.event_id, _user(event), event.message_id) for event, _ in messages]
    known = await line_events.known(tx, pharmacy_id, of)
    new = []
    for event, judged in messages:
        is_message, is_withdrawn = known[event.event_id]
        if not is_message:
            conversation_id = contacts[_user(event)].conversation_id
            arrived = _withdrawn if is_withdrawn else _arrived
            new.append((event, arrived(pharmacy_id, conversation_id, event, judged)))
    taken = await write(tx, program, [arrival for _, arrival in new])
    told: list[tuple[LineEvent, Told]] = [(event, tell_nobody) for event, _ in messages if known[event.event_id][0]]
    for (event, arrival), its in zip(new, taken, strict=True):
        await _expect_file(tx, program, pharmacy_id, event, its, withdrawn=known[event.event_id][1])
        told.append((event, partial(tell, arrival, its)))
    return told


def tell_nobody() -> None:
    """Say nothing: the event was known, or is of no interest."""


def words_of(event: LineEvent) -> str:
    """Return a message's words as the store can hold them."""
    words: str = storable(_content(event).words)
    return words


def _arrived(pharmacy_id: str, conversation_id: str, event: LineEvent, judged: Judged) -> Arrival:
    incoming = Incoming(
        pharmacy_id=pharmacy_id,
        channel="line",
        event_id=event.event_id,
        conversation_id=conversation_id,
        message_id=event.event_id,
        patient_id=None,
        text=words_of(event),
        sent_at=event.sent_at or datetime.now(UTC),
        raw=event.raw,
        kind=_content(event).kind,
        channel_message_id=event.message_id,
        redelivered=event.redelivered,
        by_own_time=True,
    )
    return judged.of(incoming)


def _withdrawn(pharmacy_id: str, conversation_id: str, event: LineEvent, judged: Judged) -> Arrival:
    """Return a message that was taken back before it came: nothing of its words is kept."""
    incoming = _arrived(pharmacy_id, conversation_id, event, judged).incoming
    return without_words(judged).of(replace(incoming, kind=Kind.UNSENT, text="", raw=b""))


async def _expect_file(
    tx: Transaction, program: Program, pharmacy_id: str, event: LineEvent, taken: Taken, *, withdrawn: bool
) -> None:
    content = _content(event)
    if content.file and event.message_id and not withdrawn:
        of = media.Of(pharmacy_id, taken.conversation_id, taken.message_id)
        refused = FOREIGN if content.foreign else None
        await media.expect(tx, program.jobs, of, event.message_id, content.file, refused)


def _user(event: LineEvent) -> str:
    if event.user_id is None:
        raise ValueError(f"event {event.event_id!r}: a message without user; expected one")
    return event.user_id


def _content(event: LineEvent) -> Content:
    if event.content is None:
        raise ValueError(f"event {event.event_id!r}: a message without content; expected it")
    return event.content
