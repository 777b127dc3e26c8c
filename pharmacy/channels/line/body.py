"""Take a webhook's body apart: each event with its own bytes, so that one odd event spoils no other."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST_NUMBER = 19
"""Digits; a longer number is no time and no count of LINE's."""

_WHITESPACE = re.compile(r"[ \t\n\r]*")


class BodyUnreadable(ValueError):
    """The body is none of LINE's: not UTF-8, not JSON, or without a list of events."""


class Odd:
    """Stands for a value that JSON should not hold: NaN, a number without end, a key twice."""

    def __init__(self, said: str, known: dict[str, Any] | None = None) -> None:
        self.said = said
        self.known = known or {}
        """What an object with a key twice says under its other keys."""


@dataclass(frozen=True)
class Piece:
    """One element of `events`."""

    value: Any
    raw: bytes
    """Its bytes as they came."""


@dataclass(frozen=True)
class Body:
    """A webhook's body."""

    destination: Any
    pieces: tuple[Piece, ...]


def read_body(raw: bytes) -> Body:
    """Return the body's events.

    Raises:
        BodyUnreadable: says what was expected.
    """
    try:
        text = raw.decode("utf-8")
        fields = dict(_fields(text))
    except UnicodeDecodeError as error:
        raise BodyUnreadable("body: expected UTF-8") from error
    except (ValueError, IndexError, RecursionError) as error:
        raise BodyUnreadable("body: expected a JSON object") from error
    if not isinstance(fields.get("events"), tuple):
        raise BodyUnreadable("body: expected an object with a list of `events`")
    return Body(fields.get("destination"), fields["events"])


def odd_values(value: Any) -> Iterator[str]:
    """Return what of a parsed value JSON should not hold; without recursion, for depth is the sender's choice."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Odd):
            yield each.said
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _fields(text: str) -> Iterator[tuple[str, Any]]:
    at = _skip(text, 0)
    if text[at] != "{":
        raise ValueError("no object")
    at = _skip(text, at + 1)
    seen: set[str] = set()
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        if not isinstance(key, str) or key in seen:
            raise ValueError("a key twice, or no key")
        seen.add(key)
        at = _after(text, at, ":")
        value, at = _pieces(text, at) if key == "events" and text[at] == "[" else _DECODER.raw_decode(text, at)
        yield key, value
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
            if text[at] == "}":
                raise ValueError("a comma too many")
        elif text[at] != "}":
            raise ValueError("no comma")
    if _skip(text, at + 1) != len(text):
        raise ValueError("more than one value")


def _pieces(text: str, at: int) -> tuple[tuple[Piece, ...], int]:
    pieces: list[Piece] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        if pieces:
            at = _after(text, at, ",")
        value, end = _DECODER.raw_decode(text, at)
        # A half of a surrogate pair cannot come out of decoded UTF-8: these are the bytes that were signed.
        pieces.append(Piece(value, text[at:end].encode()))
        at = _skip(text, end)
    return tuple(pieces), at + 1


def _after(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"no {sign}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _WHITESPACE.match(text, at)
    return found.end() if found else at


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    times = Counter(key for key, _ in pairs)
    # Which of the two was meant nobody can say.
    return Odd("the same key twice", {key: value for key, value in pairs if times[key] == 1})


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= LONGEST_NUMBER else Odd("a number of too many digits")


def _real(digits: str) -> Any:
    value = float(digits)
    return value if math.isfinite(value) else Odd("a number without end")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=lambda name: Odd(str(name))
)
