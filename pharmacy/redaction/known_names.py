"""Names that the store knows: patients and staff, found in every usual way of writing them."""

import re
import unicodedata
from collections.abc import Iterable

from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Kind, Span, spans_of

_BETWEEN = re.compile(r"[\s・,、]+")
_SHORTEST_PART = 2
_LONGEST = 40


class KnownNames:
    """A set of names, looked up at every place of a text in time that does not grow with their number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._lengths: set[int] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Know `name` from now on: whole, in either order, and each part of two or more letters."""
        parts = [part for part in _BETWEEN.split(_compared(name)) if part]
        whole = {"".join(parts), "".join(reversed(parts))}
        for form in whole | {part for part in parts if len(part) >= _SHORTEST_PART}:
            if _SHORTEST_PART <= len(form) <= _LONGEST and not form.isdigit():
                self._forms.add(form)
                self._lengths.add(len(form))

    @property
    def count(self) -> int:
        """How many forms of names are known."""
        return len(self._forms)

    def find(self, reading: Reading) -> list[Span]:
        """Return each place where a known name stands, with or without a space inside, in any kana, case or width."""
        if not self._forms:
            return []
        compared, places = _without_gaps(_compared(reading.text))
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(compared):
            length = self._longest_at(compared, at, places, reading.text)
            if length:
                found.append((places[at], places[at + length - 1] + 1))
            at += length or 1
        return spans_of(Kind.NAME, reading, found)

    def _longest_at(self, compared: str, at: int, places: list[int], text: str) -> int:
        fitting = (n for n in sorted(self._lengths, reverse=True) if compared[at : at + n] in self._forms)
        return next(
            (n for n in fitting if at + n <= len(compared) and _whole_word(text, places[at], places[at + n - 1])), 0
        )


def _compared(text: str) -> str:
    """Return `text` with letters' case and kana's kind evened out; its length stays when it is folded already."""
    plain = (
        unicodedata.normalize("NFKC", text)
        if not text.isascii() and len(unicodedata.normalize("NFKC", text)) == len(text)
        else text
    )
    lower = "".join(letter.lower() if letter.isascii() else letter for letter in plain)
    return "".join(chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter for letter in lower)


def _without_gaps(text: str) -> tuple[str, list[int]]:
    places = [at for at, letter in enumerate(text) if letter not in " \u3000\t・"]
    return "".join(text[at] for at in places), places


def _whole_word(text: str, first: int, last: int) -> bool:
    """Say whether Latin letters end where the find ends: no name inside a longer word."""
    before, after = text[first - 1 : first], text[last + 1 : last + 2]
    return not ((_latin(text[first]) and _latin(before)) or (_latin(text[last]) and _latin(after)))


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()
