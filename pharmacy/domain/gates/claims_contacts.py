"""Web, phone, mail and chat addresses in an outgoing text that the pharmacy does not publish itself."""

from collections.abc import Iterator
from typing import Any

import re2

from pharmacy.domain.gates.claims_view import plain

Span = tuple[int, int]

_OPEN, _CLOSE = r"\s?[\[\(\{【]\s?", r"\s?[\]\)\}】]\s?"
_DOT = rf"(?:\.|{_OPEN}(?:\.|dot|ドット|点){_CLOSE}|\s?ドット\s?|\sdot\s)"
_AT = rf"(?:@|{_OPEN}(?:at|アット|@)(?:マーク)?{_CLOSE}|\s?アット(?:マーク)?\s?|\sat\s)"
_TOP = (
    r"(?:com|net|org|jp|info|biz|shop|store|online|site|xyz|top|link|click|page|app|dev|io|me|tv|cc|cn|kr|tw|us|uk|ru|"
    r"health|clinic|life|work|tokyo|example|test|invalid|ly|gl|gg|be|コム|ジェーピー)"
)
_LABEL = r"[a-z0-9_\-]{1,63}"
_HOST = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}{_TOP}"
_DIGIT = r"[0-9〇一二三四五六七八九]"
_GAP = r"[\s\-‐‑‒–—−ー~〜.・,()/の]{0,3}"

_PATTERNS = (
    re2.compile(rf"[a-z0-9._%+\-]{{1,64}}{_AT}{_HOST}"),
    re2.compile(r"(?:h[tx]{2}ps?\s?:\s?/\s?/|ftp://|www\.|line://|tel:|mailto:)[^\s「」『』。、<>]+"),
    re2.compile(rf"\b{_HOST}\b(?:[:/?#][!-~]*)?"),
    re2.compile(rf"{_LABEL}\s{{0,2}}\.\s{{0,2}}(?:co\s?\.\s?jp|com|net|org|jp|info|shop)\b"),
    re2.compile(r"(?:line|ライン)\s?の?\s?(?:id|アイディー)\s?(?:は|:|が)?\s?@?[a-z0-9._\-]{4,30}"),
    re2.compile(r"(?:line|ライン)[^。\n]{0,12}id[^a-z0-9。\n]{0,4}[a-z0-9._\-]{4,30}"),
    re2.compile(r"@[a-z0-9._]{4,30}"),
)
_PHONE = re2.compile(rf"(?:\+\s?81|0|〇|ゼロ){_GAP}(?:{_DIGIT}{_GAP}){{8,10}}")

_KANJI_DIGITS = str.maketrans("〇一二三四五六七八九", "0123456789")


def unlisted_contacts(signs: str, allowed: frozenset[str]) -> Iterator[Span]:
    """Yield the spans of addresses in `signs`, a plain view, that are none of `allowed`."""
    numbers, addresses = _allowed(allowed)
    listed: list[Span] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(signs):
            start, end = match.span()
            if _listed(match.group(), addresses):
                listed.append((start, end))
            elif not any(first <= start and end <= last for first, last in listed):
                yield start, end
    for match in _PHONE.finditer(signs):
        if _is_phone(signs, match) and _digits(match.group()) not in numbers:
            yield match.span()


def _allowed(allowed: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    folded = frozenset(plain(contact).text.strip() for contact in allowed)
    numbers = frozenset(_digits(contact) for contact in folded if not any(c.isalpha() for c in contact))
    return numbers, frozenset(_bare(contact) for contact in folded)


def _listed(address: str, addresses: frozenset[str]) -> bool:
    bare = _bare(address)
    return bare in addresses or any(bare.startswith(f"{known}{edge}") for known in addresses for edge in "/?#" if known)


def _bare(address: str) -> str:
    for prefix in ("https://", "http://", "mailto:", "tel:"):
        address = address.removeprefix(prefix)
    return address.rstrip("/.,、。!?)）」")


def _is_phone(signs: str, match: Any) -> bool:
    # The middle of a longer number, such as a parcel's, is no phone.
    start = match.start()
    return not (start and signs[start - 1].isdigit())


def _digits(number: str) -> str:
    written = number.replace("ゼロ", "0").translate(_KANJI_DIGITS)
    digits = "".join(char for char in written if char.isdigit())
    return "0" + digits.removeprefix("81") if written.strip().startswith("+") else digits
