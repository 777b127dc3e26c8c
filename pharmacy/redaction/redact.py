"""Take personal data out of a text or of any value; what cannot be read is withheld whole."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pharmacy.redaction.addresses import addresses
from pharmacy.redaction.births import births
from pharmacy.redaction.contacts import line_ids, mails, phones
from pharmacy.redaction.known_names import KnownNames
from pharmacy.redaction.latin import latin_spans
from pharmacy.redaction.names import names
from pharmacy.redaction.numbers import cards, insurance_numbers, my_numbers
from pharmacy.redaction.own_ids import without_own_ids
from pharmacy.redaction.pseudonyms import Pseudonyms
from pharmacy.redaction.reading import Reading, read
from pharmacy.redaction.span import Kind, Recogniser, Span

WITHHELD = "〔伏せた文〕"
LONGEST = 50_000
"""Characters; a longer text is withheld whole."""

DEEPEST = 60
LARGEST_NUMBER = 10**9
"""From here on a whole number has as many figures as a phone number."""

# The specific before the general: an insurer's number has the figures of a phone number.
RECOGNISERS: tuple[Recogniser, ...] = (
    mails, line_ids, births, insurance_numbers, my_numbers, cards, phones, addresses, names, latin_spans,
)  # fmt: skip

JAPANESE_ONLY = frozenset({insurance_numbers, names})


class Redactor:
    """Finds personal data. One for a whole process: it keeps nothing of what it reads."""

    def __init__(self, known: KnownNames | None = None, recognisers: Iterable[Recogniser] = RECOGNISERS) -> None:
        self.known = known or KnownNames()
        self._recognisers = tuple(recognisers)

    def find(self, text: str, also: KnownNames | None = None) -> list[Span]:
        """Return what is personal in `text`, in order and without overlap.

        Args:
            also: names known for this conversation only.
        """
        reading = read(text)
        found = self.known.find(reading) + (also.find(reading) if also else [])
        # What is written in Japanese letters only need not be looked for where there are none, as in most log lines.
        plain = reading.text.isascii()
        for recognise in self._recognisers:
            found += [] if plain and recognise in JAPANESE_ONLY else recognise(reading)
        return _without_overlap(without_own_ids(found, reading), reading)

    def conversation(self, names: Iterable[str] = ()) -> "Redaction":
        """Return what redacts one conversation, under pseudonyms of its own."""
        return Redaction(self, KnownNames(names))


class Redaction:
    """Redacts the texts of one conversation; a name once found is found again wherever it stands alone."""

    def __init__(self, redactor: Redactor, known: KnownNames) -> None:
        self._redactor = redactor
        self._known = known
        self._pseudonyms = Pseudonyms()
        # A conversation stands in the inputs of each of its nodes.
        self._done: dict[tuple[str, int], str] = {}

    def text(self, words: str) -> str:
        """Return `words` with pseudonyms in place of personal data; on any error, nothing of them."""
        try:
            return self._once(words) if len(words) <= LONGEST else WITHHELD
        except Exception:  # noqa: BLE001 (whatever went wrong, unread words may not leave)
            return WITHHELD

    def value(self, value: Any) -> Any:
        """Return a value of JSON's kinds, of any depth, redacted; of anything else, its redacted words."""
        try:
            return self._value(value, 0)
        except Exception:  # noqa: BLE001 (as above)
            return WITHHELD

    def _once(self, words: str) -> str:
        # With each name that is learnt, more may be found in words that were read before.
        if (words, self._known.count) not in self._done:
            done = self._redacted(words)
            self._done[words, self._known.count] = done
        return self._done[words, self._known.count]

    def _redacted(self, words: str) -> str:
        spans = self._redactor.find(words, self._known)
        if new := [words[span.start : span.end] for span in spans if span.kind is Kind.NAME]:
            for name in new:
                self._known.add(name)
            spans = self._redactor.find(words, self._known)
        parts, at = [], 0
        for span in spans:
            parts += [words[at : span.start], self._pseudonyms.of(span.kind, words[span.start : span.end])]
            at = span.end
        return "".join(parts) + words[at:]

    def _value(self, value: Any, depth: int) -> Any:
        if depth > DEEPEST:
            return WITHHELD
        if isinstance(value, str):
            return self.text(str(value))
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return (
                value
                if abs(value) < LARGEST_NUMBER or (isinstance(value, float) and not math.isfinite(value))
                else WITHHELD
            )
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._value(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(each, depth + 1) for each in value]
        return self.text(str(value))


def _without_overlap(found: list[Span], reading: Reading) -> list[Span]:
    """Return the finds in order; where two overlap, the first recogniser's keeps its place and the rest is added."""
    end = reading.places[-1]
    owner: list[Kind | None] = [None] * end
    starts: set[int] = set()
    for span in found:
        free = [at for at in range(span.start, min(span.end, end)) if owner[at] is None]
        for at in free:
            owner[at] = span.kind
        if free and free[0] == span.start:
            starts.add(span.start)
    return _runs(owner, starts)


def _runs(owner: list[Kind | None], starts: set[int]) -> list[Span]:
    spans: list[Span] = []
    begun = 0
    for at in range(1, len(owner) + 1):
        if at == len(owner) or owner[at] != owner[begun] or at in starts:
            if owner and owner[begun] is not None:
                spans.append(Span(owner[begun] or Kind.NAME, begun, at))
            begun = at
    return spans


Redact = Callable[[str], str]
"""What a log line or an answer is passed through."""
