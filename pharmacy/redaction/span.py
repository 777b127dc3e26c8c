"""What a recogniser found, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pharmacy.redaction.reading import Reading


class Kind(StrEnum):
    """What sort of personal data it is."""

    NAME = "name"
    ADDRESS = "address"
    PHONE = "phone"
    BIRTH = "birth"
    MAIL = "mail"
    LINE_ID = "line_id"
    INSURANCE = "insurance"
    MY_NUMBER = "my_number"
    CARD = "card"


@dataclass(frozen=True)
class Span:
    """One find; the places count characters of the text as it was written."""

    kind: Kind
    start: int
    end: int


Recogniser = Callable[[Reading], list[Span]]


def spans_of(kind: Kind, reading: Reading, places: list[tuple[int, int]]) -> list[Span]:
    """Return finds in the folded text as spans of the text as it was written."""
    return [Span(kind, *reading.original(start, end)) for start, end in places if end > start]
