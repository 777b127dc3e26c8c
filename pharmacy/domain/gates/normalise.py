"""The gate copy of a message: what the patient meant to write, freed of everything that can hide a word.

The gate copy is for comparing only. The message itself is stored and shown as it came.
"""

import re
from dataclasses import dataclass

import re2

from pharmacy.domain.gates.spelling import BOUNDARY, fold

_ANSI = re.compile("\x1b\\[[0-9;]*[a-zA-Z]")
# Lone surrogates, controls, zero width, bidi, variation selectors, Hangul and Mongolian fillers, private use.
_UNSEEN = re.compile(
    "[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0100-\U000e01ef\ue000-\uf8ff]"
)
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
# Marks of no script of its own; they only decorate or hide letters.
_DECORATION = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
# Python's NFKC takes quadratic time on long runs of marks.
_MARKS = re2.compile(r"(\p{M}{4})\p{M}+")
_VOICING = re.compile("([\u3099\u309a])[\u3099\u309a]+")
_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+")
_SLANG_DEATH = re.compile("(?:タヒ|ﾀﾋ)(?=\\s?[にねぬのんっ])")
_PAUSE = re.compile("…+|‥+|・{2,}|\\.{2,}|、{2,}")
_LETTER = "[^\\W\\d_a-zA-Z]"
_SPELT_OUT = re.compile(f"(?<!{_LETTER})(?:{_LETTER}[・/._*|,、+=-]){{2,}}{_LETTER}(?!{_LETTER})")
_SPELT_OUT_LATIN = re.compile("(?<![a-z0-9])(?:[a-z][ ._*-]){3,}[a-z](?![a-z0-9])")
_SEPARATORS = re.compile("[・/._*|,、+= -]")
_SPACES = re.compile("[ \t]+")
_SPACE = re.compile("(?<![a-z0-9'.,!?]) | (?![a-z0-9'])")
_RUN = re.compile("([^0-9a-z\n])\\1{2,}")
_LATIN_RUN = re.compile("([a-z])\\1{2,}")
_LINE = re.compile("\\s*[\r\n\u2028\u2029\x85]+\\s*")
_SOFT = re.compile("\n+")


@dataclass(frozen=True)
class GateText:
    """A message as the gates read it."""

    text: str
    """The normalised text. Line ends and runs of emoji stand in it as one newline; spans count its characters."""

    emoji: str
    """All emoji of the message, in order, joined."""

    def joined(self) -> tuple[str, list[int]]:
        """Return the text without its soft breaks (a word cut by a line end is whole), and each place in `text`."""
        places = [place for place, letter in enumerate(self.text) if letter != "\n"]
        return self.text.replace("\n", ""), places

    def parted(self) -> str:
        """Return the text with each soft break as the end of a sentence; places are the same as in `text`."""
        return self.text.replace("\n", BOUNDARY)

    @property
    def has_breaks(self) -> bool:
        """Whether joining and parting differ."""
        return "\n" in self.text.strip("\n")


def normalise(raw: str) -> GateText:
    """Return the gate copy of `raw`, which may be any string at all, in time linear in its length.

    Text smuggled in as tag characters is read out and put at the end, so that rules see what a model would see.
    """
    text = _ANSI.sub("", raw)
    smuggled = "".join(_TAGS.findall(text))
    text = _UNSEEN.sub("", _TAGS.sub("", text))
    text = _MARKS.sub(r"\1", _VOICING.sub(r"\1", _DECORATION.sub("", text)))
    emoji = "".join(_EMOJI.findall(text))
    text = _LINE.sub("\n", _EMOJI.sub("\n", text))
    text = _SLANG_DEATH.sub("死", text)
    text = _PAUSE.sub("、", fold(_RUN.sub(r"\1", text)))
    text = text.replace("｡", BOUNDARY).replace("\r", "\n")
    text = _SPELT_OUT_LATIN.sub(_join_letters, _SPACES.sub(" ", text))
    text = _SPACE.sub("", text)
    text = _SPELT_OUT.sub(_join_letters, text)
    text = _LATIN_RUN.sub(r"\1\1", _SOFT.sub("\n", text))
    if smuggled:
        text += BOUNDARY + fold("".join(chr(ord(tag) - 0xE0000) for tag in smuggled if ord(tag) > 0xE001F))
    return GateText(text, emoji)


def _join_letters(spelt: re.Match[str]) -> str:
    return _SEPARATORS.sub("", spelt.group())
