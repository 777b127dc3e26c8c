"""A text as the recognisers read it: one width, one dash, nothing unseen; each character knows where it stood."""

import re
import unicodedata
from dataclasses import dataclass

# Zero width, soft hyphen, bidi marks, variation selectors, tag characters: they can split a number in two unseen.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e01ef]"
)
_DASHES = "‐‑‒–—―−⁃﹣ー"
_VOICING = "\uff9e\uff9f\u3099\u309a"
_DIGITS = {"〇": "0", "零": "0"} | dict(zip("一二三四五六七八九", "123456789", strict=True))

DIGIT = "[0-9〇零一二三四五六七八九]"
"""One digit, also in kanji."""


@dataclass(frozen=True)
class Reading:
    """The folded text."""

    text: str
    places: tuple[int, ...]
    """For each folded character, and for the end, its place in the text as it was written."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where a find of the folded text stands in the text as it was written."""
        return self.places[start], self.places[end - 1] + 1 if self._alone(end - 1) else self.places[end]

    def _alone(self, at: int) -> bool:
        return at + 2 > len(self.places) or self.places[at + 1] - self.places[at] == 1


def read(text: str) -> Reading:
    """Return `text` folded, in time linear in its length."""
    letters: list[str] = []
    places: list[int] = []
    at = 0
    while at < len(text):
        width = 2 if text[at + 1 : at + 2] and text[at + 1] in _VOICING else 1
        folded = "" if _UNSEEN.match(text[at]) else _fold(text[at : at + width])
        letters += folded
        places += [at] * len(folded)
        at += width
    return Reading(_one_dash("".join(letters)), (*places, len(text)))


def digits(found: str) -> str:
    """Return the digits of `found` in plain figures, the rest left out."""
    plain = found.replace("ゼロ", "0")
    return "".join(
        _DIGITS.get(letter, letter) for letter in plain if letter in _DIGITS or (letter.isascii() and letter.isdigit())
    )


def _fold(letter: str) -> str:
    return letter if letter.isascii() else unicodedata.normalize("NFKC", letter)


def _one_dash(text: str) -> str:
    text = re.sub(f"[{_DASHES[:-1]}]", "-", text)
    # The long-vowel sign stands for a dash between figures only: elsewhere it belongs to a word.
    return re.sub(f"(?<={DIGIT})ー(?={DIGIT})", "-", text)
