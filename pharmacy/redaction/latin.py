"""Names in Latin letters."""

import re

from pharmacy.redaction.lexicon import latin_names
from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Kind, Span, spans_of
from pharmacy.redaction.words import words

_WORD = r"[A-Za-z][A-Za-z'-]{1,20}"
_PAIR = re.compile(rf"(?<![A-Za-z0-9_./@-])(?P<first>{_WORD})[ ,]{{1,2}}(?P<second>{_WORD})(?![A-Za-z0-9_/@-])")
_CAPITAL = r"[A-Z][A-Za-z'-]{1,20}(?: [A-Z][A-Za-z'-]{0,20}){0,2}"
_CALLED = re.compile(
    r"(?:(?i:name(?: is|:|=)|\bthis is|\bI am|\bI'm|regards,|sincerely,|\bdear|"
    r"名前[はが]|名義[はが]?|宛名[はが])\s{0,2}|\b(?=(?:Mr|Ms|Mrs|Miss|Dr)\b))"
    rf"(?P<found>(?:(?:Mr|Ms|Mrs|Miss|Dr)\.? )?{_CAPITAL})"
)
_ADDRESSED = re.compile(
    rf"(?<![A-Za-z])(?P<found>{_CAPITAL})(?=\s?(?:さん|様|さま|-san|先生|ちゃん|くん|です|と申し|名義))"
)
_ALONE = re.compile(r"(?<![A-Za-z0-9_./@=-])(?P<found>[A-Z][a-z]{3,20})(?![A-Za-z0-9_/@=-])")
_NOBODY = words("latin_nobody")
# Also plain words, or words that a log line is made of.
_PLAIN = words("latin_plain")


def latin_spans(reading: Reading) -> list[Span]:
    """Return pairs of words of which one is a frequent Japanese name, and whatever the words around call a name."""
    text = reading.text
    found = _pairs(text)
    found += [hit.span("found") for hit in _CALLED.finditer(text) if hit["found"].split()[0] not in _NOBODY]
    found += [hit.span("found") for hit in _ADDRESSED.finditer(text) if _all_names(hit["found"])]
    found += [hit.span("found") for hit in _ALONE.finditer(text) if _known(hit["found"]) and len(hit["found"]) > 4]
    return spans_of(Kind.NAME, reading, found)


def _pairs(text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    while (hit := _PAIR.search(text, at)) is not None:
        one, two = hit["first"], hit["second"]
        both = _known(one) and _known(two)
        capital = one[0].isupper() and two[0].isupper() and (_known(one) or _known(two))
        if both or (capital and not {one, two} & _NOBODY):
            found.append(hit.span())
            at = hit.end()
        else:
            at = hit.start("second")
    return found


def _all_names(found: str) -> bool:
    return any(_known(word) for word in found.split()) or len(found.split()) > 1


def _known(word: str) -> bool:
    small = word.lower()
    return small in latin_names() and small not in _PLAIN
