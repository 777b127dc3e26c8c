"""Dates of birth, western and by era."""

import re

from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Kind, Span, spans_of

_KANJI = "0-9〇零一二三四五六七八九十元"
_DAY = rf"\s?[./年-]\s?[{_KANJI}]{{1,3}}\s?[./月-]\s?[{_KANJI}]{{1,3}}日?"
_WESTERN = re.compile(
    rf"(?<![0-9A-Za-z.-])(?P<year>(?:19|20)[0-9]{{2}}|[一二][〇零九][〇零一二三四五六七八九]{{2}}){_DAY}(?![0-9])"
)
_ERA = re.compile(
    rf"(?<![0-9A-Za-z])(?P<era>明治|大正|昭和|平成|令和|[MTSHR明大昭平令])\.?\s?[{_KANJI}]{{1,3}}{_DAY}(?![0-9])"
)
_CUE = re.compile(r"生年月日|誕生日|生まれ|うまれ|バースデ|(?i:\bdob\b|birth|born)")
_BORN_AFTER = re.compile(r"[)]?(?:\s?[(]?(?:生|うまれ)|[がはのに]{0,2}(?:お)?誕生日)")
_BARE = re.compile(
    rf"(?:生年月日|誕生日|(?i:dob|birthday|date of birth))[^0-9\n。]{{0,8}}"
    rf"(?P<found>(?:19|20)[0-9]{{6}}|[0-9]{{6}}|[{_KANJI}]{{1,3}}(?:月|/|-|\.)[{_KANJI}]{{1,3}}日?)(?![0-9])"
)
_DAY_ONLY = re.compile(
    rf"(?P<found>[{_KANJI}]{{1,3}}月[{_KANJI}]{{1,3}}日)(?=[がはのに]{{0,2}}(?:お)?誕生日|生まれ|うまれ)"
)
_NEAR = 14
_ALIVE_ORDERS_BEGIN = 2021
"""A full date before this year is taken for a birth; a later one is more often a delivery, and needs a word for it."""


def births(reading: Reading) -> list[Span]:
    """Return dates of birth: full dates long past, and any date that the words around call one."""
    text = reading.text
    found = [hit.span() for hit in _WESTERN.finditer(text) if _long_past(hit["year"]) or _called_birth(hit, text)]
    found += [
        hit.span() for hit in _ERA.finditer(text) if hit["era"] not in ("令和", "R", "令") or _called_birth(hit, text)
    ]
    found += [hit.span("found") for pattern in (_BARE, _DAY_ONLY) for hit in pattern.finditer(text)]
    return spans_of(Kind.BIRTH, reading, found)


def _long_past(year: str) -> bool:
    return not year.isascii() or int(year) < _ALIVE_ORDERS_BEGIN


def _called_birth(hit: re.Match[str], text: str) -> bool:
    return bool(_CUE.search(text, max(0, hit.start() - _NEAR), hit.start()) or _BORN_AFTER.match(text, hit.end()))
