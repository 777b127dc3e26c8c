"""What stands in place of personal data: the same for the same person or thing within one conversation."""

import re
import unicodedata
from collections import Counter

from pharmacy.redaction.span import Kind

LABELS = {
    Kind.NAME: "氏名",
    Kind.ADDRESS: "住所",
    Kind.PHONE: "電話",
    Kind.BIRTH: "生年月日",
    Kind.MAIL: "メール",
    Kind.LINE_ID: "LINE",
    Kind.INSURANCE: "保険番号",
    Kind.MY_NUMBER: "個人番号",
    Kind.CARD: "カード",
}
_APART = re.compile(r"[\s・,.()/_-]+")
_LEAST_PART = 2


class Pseudonyms:
    """The pseudonyms of one conversation, numbered in the order in which they were first needed."""

    def __init__(self) -> None:
        self._given: dict[tuple[Kind, str], str] = {}
        self._count: Counter[Kind] = Counter()

    def of(self, kind: Kind, words: str) -> str:
        """Return what stands for `words`: `〔氏名1〕`; a part of a name that is known stands for the same person."""
        key = (kind, _compared(words))
        if key not in self._given:
            self._given[key] = self._same_person(*key) or self._next(kind)
        return self._given[key]

    def _same_person(self, kind: Kind, words: str) -> str | None:
        if kind is not Kind.NAME or len(words) < _LEAST_PART:
            return None
        for (of, known), label in self._given.items():
            longer, shorter = (known, words) if len(known) > len(words) else (words, known)
            if of is kind and len(shorter) >= _LEAST_PART and (longer.startswith(shorter) or longer.endswith(shorter)):
                return label
        return None

    def _next(self, kind: Kind) -> str:
        self._count[kind] += 1
        return f"〔{LABELS[kind]}{self._count[kind]}〕"


def _compared(words: str) -> str:
    even = _APART.sub("", unicodedata.normalize("NFKC", words)).casefold()
    return "".join(chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter for letter in even)
