"""A text as the output gate reads it: widths, kana and gaps folded away, each character knowing its place."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import re2

ENDS = "。!?\n"
"""Characters that close a sentence in a view of letters."""

_EMOJI_JOINERS = "\u200d\ufe0e\ufe0f"
_EMOJI_KINDS = ("So", "Sk", "Po", "Nd", "Sm")
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800\u034f"
_WIDTH_MARKS = "ﾞﾟ"
_HIDDEN_KINDS = ("Cc", "Cf", "Cs", "Co", "Cn")
TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_SENTENCE_ENDS = {"。": "。", "!": "!", "?": "?", "…": "。", "｡": "。"}
_COMMAS = "、,;"
_DRAWN_OUT = "っー"
_PARTING = "、。,."
_SPELT = re2.compile(r"(?:[^\s、。,.]\s?[、。,.]\s?){4,}")
_LAST_WORDS = ("です", "ます", "した", "せん", "さい", "しょう", "すね", "すよ", "たね", "んね", "いね")
_TAIL_CHARS = 4
_NUMBER_SIGNS = {".": ".", "/": "/", "~": "~", "〜": "~", "-": "~", "–": "~", "‐": "~"}


@dataclass(frozen=True)
class View:
    """A folded copy of a text."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """For each character of `text`, the start and end of what it was made from."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the text as written that `start` to `end` of the view was made from."""
        return self.spans[start][0], self.spans[end - 1][1]


_Char = tuple[str, tuple[int, int]]


def plain(text: str) -> View:
    """Return `text` in NFKC and small letters without hidden characters; gaps and signs stay."""
    return _view(_folded(text))


def letters(text: str) -> View:
    """Return `text` as words without gaps: kana as hiragana; no space, bracket or decoration between letters.

    What stays beside letters and digits: sentence ends, `、`, `%`, and signs inside a number. A line break stays
    only where the line ends a sentence, so that a word broken over two lines is one word again.
    """
    return _view(_tightened(list(_folded(text))))


def hidden(text: str) -> Iterator[int]:
    """Yield the places of characters that nobody can see and that no emoji needs."""
    before = ""
    for place, char in enumerate(text):
        if not _joins_emoji(before) if char in _EMOJI_JOINERS else _is_hidden(char):
            yield place
        before = char


def _joins_emoji(before: str) -> bool:
    return before != "" and (unicodedata.category(before) in _EMOJI_KINDS or before in _EMOJI_JOINERS)


def _is_hidden(char: str) -> bool:
    variation = "\ufe00" <= char <= "\ufe0d" or "\U000e0100" <= char <= "\U000e01ef"
    # An emoji newer than this Python's tables has no kind yet.
    emoji = "\U0001f000" <= char <= "\U0001faff"
    unseen = char not in "\n\r\t" and not emoji and unicodedata.category(char) in _HIDDEN_KINDS
    return variation or unseen or char in _BLANK_LETTERS


def _folded(text: str) -> Iterator[_Char]:
    for start, end in _clusters(text):
        span = (start, end)
        for char in _of_cluster(text[start:end]) if end - start > 1 else _of_char(text[start]):
            yield char, span


def _of_cluster(cluster: str) -> str:
    seen = "".join(char for char in cluster if not _is_hidden(char) and char not in _EMOJI_JOINERS)
    return unicodedata.normalize("NFKC", seen).lower()


# Nearly every cluster is one character, and a text has few different ones.
_of_char = lru_cache(maxsize=8192)(_of_cluster)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    # A sound mark belongs to the kana before it, whether it combines or stands half-width beside it.
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not (unicodedata.combining(text[place]) or text[place] in _WIDTH_MARKS):
            if start < place:
                yield start, place
            start = place


def _tightened(chars: list[_Char]) -> Iterator[_Char]:
    spelt = _spelt_out("".join(char for char, _ in chars))
    tail = "\n"
    for place, (char, span) in enumerate(chars):
        after = chars[place + 1][0] if place + 1 < len(chars) else "\n"
        if place not in spelt and (kept := _kept(char, tail, after)):
            tail = tail[-_TAIL_CHARS:] + kept
            yield kept, span


def _spelt_out(text: str) -> frozenset[int]:
    """Return the places of commas and stops that only part letter from letter: 必、ず、治、る."""
    return frozenset(
        match.start() + place
        for match in _SPELT.finditer(text)
        for place, char in enumerate(match.group())
        if char in _PARTING
    )


def _kept(char: str, tail: str, after: str) -> str:
    before = tail[-1]
    if char in _SENTENCE_ENDS:
        return _SENTENCE_ENDS[char]
    if char == "\n":
        return "" if before in ENDS or _goes_on(tail, after) else "\n"
    if char in _COMMAS:
        return "、"
    if char in "%" or char.isalnum() or unicodedata.category(char)[0] in "LM":
        folded = char.translate(TO_HIRAGANA)
        return "" if folded == before and folded in _DRAWN_OUT else folded
    return _NUMBER_SIGNS.get(char, "") if before.isdigit() else ""


def _goes_on(tail: str, after: str) -> bool:
    # Chat lines often end without a stop; a word broken in the middle does not end like a sentence.
    return _is_letter(after) and (tail[-1] == "、" or (_is_letter(tail[-1]) and not tail.endswith(_LAST_WORDS)))


def _is_letter(char: str) -> bool:
    return char.isalnum() or char == "%" or _is_japanese(char)


def _is_japanese(char: str) -> bool:
    return "\u3041" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff"


def _view(chars: Iterable[_Char]) -> View:
    listed = list(chars)
    return View("".join(char for char, _ in listed), tuple(span for _, span in listed))
