"""Read one event of LINE's webhook: what it is, whom it concerns, and what is to be done with it."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pharmacy.channels.line.accounts import USER_ID
from pharmacy.channels.line.body import Odd, Piece, odd_values
from pharmacy.channels.line.contents import Content, EventUnreadable, message_content, postback_content

_EVENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USER_ID = re.compile(USER_ID)
_MESSAGE_ID = re.compile(r"[0-9]{1,32}")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Effect(StrEnum):
    """What an event does."""

    MESSAGE = "message"
    """It becomes a patient's message."""

    UNSEND = "unsend"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    NOTHING = "nothing"
    """It is kept, and nobody is answered."""

    PARKED = "parked"
    """It cannot be read: a person has to look."""


@dataclass(frozen=True)
class LineEvent:
    """One event, read."""

    event_id: str
    """LINE's webhookEventId; a hash of the event's bytes where it has none."""

    type: str
    effect: Effect
    raw: bytes
    said: str = ""
    """Why it is parked or does nothing."""

    user_id: str | None = None
    sent_at: datetime | None = None
    redelivered: bool = False
    message_id: str | None = None
    """LINE's id of the message that the event brings or withdraws."""

    content: Content | None = None
    private: bool = True
    """False where others than one patient speak: then nothing of its content is kept."""


def read_event(piece: Piece) -> LineEvent:
    """Return what the event is; one that cannot be read comes back parked, with its bytes. Raises nothing."""
    parked = LineEvent("sha256-" + hashlib.sha256(piece.raw).hexdigest()[:48], "unknown", Effect.PARKED, piece.raw)
    if (odd := next(odd_values(piece.value), None)) is not None:
        return _unread(piece.value, parked, f"event: {odd}")
    if not isinstance(piece.value, dict):
        return replace(parked, said=f"event: a {type(piece.value).__name__}, expected an object")
    try:
        read = _head(piece.value, parked)
        return _effect(piece.value, read)
    except EventUnreadable as error:
        return _unread(piece.value, parked, str(error))


def _unread(value: Any, parked: LineEvent, said: str) -> LineEvent:
    """Return the event parked, with whatever can be told of it: its patient is not to be lost."""
    event = value.known if isinstance(value, Odd) else value
    if not isinstance(event, dict):
        return replace(parked, said=said)
    known = replace(_known(event, parked), said=said)
    source = event.get("source")
    if isinstance(source, dict) and source.get("type") in ("group", "room"):
        return replace(known, user_id=None, private=False)
    return known


def _head(event: dict[str, Any], parked: LineEvent) -> LineEvent:
    named = event.get("type")
    if not isinstance(named, str) or not _TYPE.fullmatch(named):
        raise EventUnreadable("type", named, "a word")
    known = _known(event, parked)
    return replace(known, sent_at=_time(event.get("timestamp")), redelivered=_redelivered(event))


def _known(event: dict[str, Any], parked: LineEvent) -> LineEvent:
    """Return what can be told of an event however odd the rest of it is."""
    event_id, named, source = event.get("webhookEventId"), event.get("type"), event.get("source")
    user_id = source.get("userId") if isinstance(source, dict) else None
    return replace(
        parked,
        event_id=event_id if isinstance(event_id, str) and _EVENT_ID.fullmatch(event_id) else parked.event_id,
        type=named if isinstance(named, str) and _TYPE.fullmatch(named) else "unknown",
        user_id=user_id if isinstance(user_id, str) and _USER_ID.fullmatch(user_id) else None,
    )


def _effect(event: dict[str, Any], read: LineEvent) -> LineEvent:
    if (mode := event.get("mode", "active")) != "active":
        return _idle(read, f"mode = {_short(mode)}: another module answers", private=False)
    source = event.get("source")
    if source is None and read.type not in ("message", "postback", "follow", "unfollow", "unsend"):
        return _idle(read, "no source")
    if not isinstance(source, dict):
        raise EventUnreadable("source", source, "an object")
    if (kind := source.get("type")) != "user":
        return _idle(
            read, f"source.type = {_short(kind)}: only a conversation with one patient is answered", private=False
        )
    if "userId" not in source:
        return _idle(read, "source.userId is missing: there is nobody to answer")
    if read.user_id is None:
        raise EventUnreadable("source.userId", source["userId"], "U and 32 hexadecimal digits")
    return _of_patient(event, read)


def _of_patient(event: dict[str, Any], read: LineEvent) -> LineEvent:
    match read.type:
        case "message":
            message = _object(event, "message")
            content = message_content(message)
            return replace(read, effect=Effect.MESSAGE, message_id=_message_id(message, "id"), content=content)
        case "postback":
            return replace(read, effect=Effect.MESSAGE, content=postback_content(_object(event, "postback")))
        case "unsend":
            message_id = _message_id(_object(event, "unsend"), "messageId")
            return replace(read, effect=Effect.UNSEND, message_id=message_id)
        case "follow":
            return replace(read, effect=Effect.FOLLOW)
        case "unfollow":
            return replace(read, effect=Effect.UNFOLLOW)
    return _idle(read, f"type {read.type!r} asks for nothing")


def _idle(read: LineEvent, said: str, *, private: bool = True) -> LineEvent:
    return replace(read, effect=Effect.NOTHING, said=said, private=private)


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    found = event.get(name)
    if not isinstance(found, dict):
        raise EventUnreadable(name, found, "an object")
    return found


def _message_id(holder: dict[str, Any], name: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not _MESSAGE_ID.fullmatch(found):
        raise EventUnreadable(name, found, "digits")
    return found


def _time(milliseconds: Any) -> datetime:
    expected = "milliseconds since 1970, between the years 2011 and 2100"
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise EventUnreadable("timestamp", milliseconds, expected)
    if not _EARLIEST.timestamp() <= milliseconds / 1000 < _LATEST.timestamp():
        raise EventUnreadable("timestamp", milliseconds, expected)
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def _redelivered(event: dict[str, Any]) -> bool:
    context = event.get("deliveryContext")
    return isinstance(context, dict) and context.get("isRedelivery") is True


def _short(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
