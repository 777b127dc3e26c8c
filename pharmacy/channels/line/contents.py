"""What a patient's event says: its words, and what kind of file, if any, LINE keeps of it."""

from dataclasses import dataclass
from typing import Any

from pharmacy.domain.conversation import Kind

LONGEST_WORDS = 10_000
"""Characters; LINE itself lets a patient write 5,000."""

FILES = {"image": "画像", "video": "動画", "audio": "音声", "file": "ファイル"}
"""LINE's type to what a pharmacist reads."""


class EventUnreadable(ValueError):
    """A field is not as LINE describes it; its value is not repeated, for it may be a patient's words."""

    def __init__(self, place: str, value: object, expected: str) -> None:
        super().__init__(f"{place}: a {type(value).__name__} that does not fit, expected {expected}")


@dataclass(frozen=True)
class Content:
    """What an event says."""

    kind: Kind
    words: str
    """As a pharmacist reads it; for anything but text, a note of what it is, in brackets, before it."""

    file: str | None = None
    """`image`, `video`, `audio` or `file` where LINE keeps one that can be fetched by the message's id."""

    foreign: bool = False
    """True when the file lies at an address that the sender named: it is never fetched."""


def message_content(message: dict[str, Any]) -> Content:
    """Return the content of a message of any type; a type that nobody knows is something to look at, not an error.

    Raises:
        EventUnreadable: a text without words, or one too long to be LINE's.
    """
    named = message.get("type")
    if named == "text":
        return Content(Kind.TEXT, _words(message, "text"))
    if not isinstance(named, str):
        raise EventUnreadable("message.type", named, "a word")
    if named in FILES:
        return _file(named, message)
    if named == "sticker":
        return Content(Kind.MEDIA, _noted("スタンプ", _perhaps(message, "text")))
    if named == "location":
        place = " ".join(part for part in (_perhaps(message, "title"), _perhaps(message, "address")) if part)
        return Content(Kind.MEDIA, _noted("位置情報", place))
    return Content(Kind.MEDIA, _noted("未対応の形式"))


def postback_content(postback: dict[str, Any]) -> Content:
    """Return what a pressed button says; its data is shown to a person and never acted on.

    Raises:
        EventUnreadable: it has no data.
    """
    return Content(Kind.POSTBACK, _noted("ボタン", _words(postback, "data")))


def _file(named: str, message: dict[str, Any]) -> Content:
    provider = message.get("contentProvider")
    # A `file` has no provider; every other file is LINE's own unless the sender named an address for it.
    foreign = named != "file" and not (isinstance(provider, dict) and provider.get("type") == "line")
    return Content(Kind.MEDIA, _noted(FILES[named], _perhaps(message, "fileName")), named, foreign)


def _noted(what: str, words: str = "") -> str:
    return f"〔{what}〕{words}"


def _words(holder: dict[str, Any], name: str) -> str:
    words = holder.get(name)
    if not isinstance(words, str) or not 0 < len(words) <= LONGEST_WORDS:
        raise EventUnreadable(name, words, f"1 to {LONGEST_WORDS} characters")
    return words


def _perhaps(holder: dict[str, Any], name: str) -> str:
    words = holder.get(name)
    return words[:LONGEST_WORDS] if isinstance(words, str) else ""
