"""Numbers with a meaning: My Number, cards, insurance."""

import re

from pharmacy.redaction.reading import DIGIT, Reading, digits
from pharmacy.redaction.span import Kind, Span, spans_of

_TWELVE = re.compile(rf"(?<![0-9A-Za-z-]){DIGIT}(?:[- ]?{DIGIT}){{11}}(?![0-9A-Za-z])(?![- ][0-9])")
_MY_NUMBER_CUE = re.compile(r"マイナ|個人番号|(?i:my ?number)")
_CARD = re.compile(rf"(?<![0-9A-Za-z-])[2-6三四五六]{'(?:[- ]?' + DIGIT + ')'}{{12,18}}(?![0-9A-Za-z])")
_NEAR = 30

_PAIR = re.compile(
    r"記号[^0-9一-龥A-Za-z\n]{0,3}[0-9A-Za-z一-龥][0-9A-Za-z一-龥-]{0,11}"
    r"[ 、・,/]{0,3}番号[^0-9\n]{0,3}[0-9][0-9 -]{0,14}[0-9]?"
)
_INSURANCE_CUE = re.compile(
    r"(?:(?:被)?保険者(?:証)?(?:の)?(?:記号)?(?:番号)?|保険証|資格確認書|受給者(?:証)?|負担者|記号[・の]?番号|健保|社保|国保|介護保険|"
    r"(?<=\d[\] ])番号|記号)[^0-9\n。]{0,14}"
    r"(?P<found>[0-9][0-9-]*(?:[ ・][0-9][0-9-]*){0,2})"
)


def my_numbers(reading: Reading) -> list[Span]:
    """Return individual numbers: twelve figures whose check figure is right, or that are called so."""
    found = [hit.span() for hit in _TWELVE.finditer(reading.text) if _is_my_number(hit, reading.text)]
    return spans_of(Kind.MY_NUMBER, reading, found)


def cards(reading: Reading) -> list[Span]:
    """Return card numbers: 13 to 19 figures that pass Luhn's check."""
    found = [hit.span() for hit in _CARD.finditer(reading.text) if passes_luhn(digits(hit.group()))]
    return spans_of(Kind.CARD, reading, found)


def insurance_numbers(reading: Reading) -> list[Span]:
    """Return insurers', insured persons' and recipients' numbers, where the words around say that they are such."""
    found = [hit.span() for hit in _PAIR.finditer(reading.text)]
    found += [hit.span("found") for hit in _INSURANCE_CUE.finditer(reading.text) if len(digits(hit["found"])) > 1]
    return spans_of(Kind.INSURANCE, reading, found)


def check_figure(eleven: str) -> int:
    """Return the twelfth figure of an individual number.

    Source: 総務省令第85号 (2014), article 5: sum of P(n)·Q(n), Q(n) = n + 1 up to n = 6, n - 5 from 7 on.
    """
    weighted = sum(int(p) * (n + 1 if n <= 6 else n - 5) for n, p in enumerate(reversed(eleven), start=1))
    rest = weighted % 11
    return 0 if rest <= 1 else 11 - rest


def passes_luhn(number: str) -> bool:
    """Say whether the check figure of a card number is right."""
    doubled = (int(figure) * (1 + place % 2) for place, figure in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_my_number(hit: re.Match[str], text: str) -> bool:
    number = digits(hit.group())
    around = text[max(0, hit.start() - _NEAR) : hit.end() + _NEAR]
    return check_figure(number[:11]) == int(number[11]) or _MY_NUMBER_CUE.search(around) is not None
