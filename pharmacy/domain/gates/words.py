"""The words rules are built from: how they are written down, and how they become patterns of a linear-time engine.

In a word or pattern:
    胸[むね]    these kanji, or the same in kana (the kanji right before the bracket)
    _           at most two particles or a comma: が, も, は, に ...
    ~           up to eight letters of the same sentence;  ~~  up to twenty
    <pain>      any word of the vocabulary `pain`
    ≈ぐったり    at the start: also with one letter mistaken or added, and from four letters on left out or swapped
    ( | ) ?     as in any regular expression; brackets, repeats and look-arounds are not to be had
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import re2

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.spelling import BOUNDARY, fold

SENTENCE_END = "\n"
"""Stands for the end of a sentence while patterns are looked for: one byte, so that no gap reaches across it."""

_READING = re.compile("([\u3005-\u3007\u3400-\u9fff]+)\\[([ぁ-ゖァ-ヶー]+)\\]")
_SPACE = re.compile("(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")
_NAME = re.compile("<([a-z_]+)>")
_GAP, _WIDE_GAP, _PARTICLE = "\ue000", "\ue001", "\ue002"
# Patterns work on UTF-8 bytes, three to a Japanese letter: far smaller automata than letter by letter.
_BYTES_PER_LETTER = 3
_ANY_LETTERS = re.compile("\\[\\^。\\?!\\]\\{0,([0-9]+)\\}")
_LAST_GAP = re.compile("(?:~|\\[\\^。\\?!\\]\\{0,[0-9]+\\})+$")
_LETTER_CLASS = re.compile("\\[([^\\[\\]^]*[^\\[\\]^\\x00-\\x7f][^\\[\\]^]*)\\]")
_REPEATED_LETTER = re.compile("([^\\x00-\\x7f])(?=[?*+{])")
_PARTICLES = "(?:が|も|は|お|に|の|で|と|へ|て|って|つて|とか|だけ|、|,){0,2}"
_EMPTY_CHOICE = re.compile(r"(?<!\\)\|(?:\||\))|(?<!\\)\(\||\(\)")
_NEARLY = "≈"
_LONG_WORD = 4
_DEPTH = 6


class Vocabulary:
    """Named lists of words, and the patterns made of them; a pattern asked for twice is compiled once."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._words = words
        self._spelt_lists: dict[str, str] = {}
        self._compiled: dict[str, re2._Regexp[bytes]] = {}

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Return the vocabulary of a TOML file whose tables group lists of words.

        Raises:
            ConfigError: the file is not there or not as described.
        """
        words: dict[str, list[str]] = {}
        for group, lists in read_toml(path).items():
            if not isinstance(lists, dict):
                raise ConfigError(f"{path.name}: {group} is {lists!r}, expected a table of word lists")
            for name, entries in lists.items():
                if name in words:
                    raise ConfigError(f"{path.name}: {group}.{name} is named twice, expected one list per name")
                words[name] = text_list(entries, f"{path.name}: {group}.{name}")
        return cls(words)

    @property
    def names(self) -> list[str]:
        """The names of all lists."""
        return list(self._words)

    def pattern(self, entries: Sequence[str], place: str) -> "re2._Regexp[bytes]":
        """Return one pattern that finds any of `entries` in a folded text given as UTF-8.

        Raises:
            ConfigError: an entry names no vocabulary, or the linear-time engine refuses it; `place` is in the message.
        """
        # A gap at the end of an entry asks for nothing and would swallow a "not" that follows.
        source = "|".join(self._spelt(_LAST_GAP.sub("", entry), place, 0) for entry in entries)
        if source not in self._compiled:
            self._compiled[source] = _compile(source, place)
        return self._compiled[source]

    def listed(self, name: str, place: str) -> "re2._Regexp[bytes]":
        """Return the pattern that finds any word of the vocabulary `name`."""
        return self.pattern([f"<{name}>"], place)

    def _spelt(self, entry: str, place: str, depth: int) -> str:
        if depth > _DEPTH:
            raise ConfigError(f"{place}: {entry!r} names itself, expected vocabularies at most {_DEPTH} deep")
        if entry.startswith(_NEARLY):
            return "|".join(_slips(fold(entry.removeprefix(_NEARLY))))
        parts = _NAME.split(_READING.sub(r"(\1|\2)", entry))
        return "".join(self._named(part, place, depth) if at % 2 else _letters(part) for at, part in enumerate(parts))

    def _named(self, name: str, place: str, depth: int) -> str:
        if name not in self._words:
            raise ConfigError(f"{place}: <{name}> is in no vocabulary, expected one of {sorted(self._words)}")
        if name not in self._spelt_lists:
            words = [self._spelt(word, place, depth + 1) for word in self._words[name]]
            self._spelt_lists[name] = "(?:" + "|".join(words) + ")"
        return self._spelt_lists[name]


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file at `path`; raises ConfigError when it cannot be read or says nothing."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read ({error}), expected a TOML file at {path}") from error
    if not tables:
        raise ConfigError(f"{path.name}: is empty, expected at least one entry")
    return tables


def text_list(value: object, place: str) -> list[str]:
    """Return `value` if it is a list of one or more texts; raises ConfigError with `place` otherwise."""
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item.strip() for item in value):
        raise ConfigError(f"{place} is {value!r}, expected a list of one or more texts")
    return value


def _slips(word: str) -> list[str]:
    """Return `word` and the ways of writing it with one slip of the finger; its first letter is always right."""
    any_letter = f"[^{SENTENCE_END}?!]{{{_BYTES_PER_LETTER}}}"
    slips = [word] + [word[:at] + any_letter + word[at + 1 :] for at in range(1, len(word) - 1)]
    slips += [word[:at] + any_letter + word[at:] for at in range(1, len(word))]
    if len(word) >= _LONG_WORD:
        slips += [word[:at] + word[at + 1 :] for at in range(1, len(word))]
        slips += [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
    return slips


def _letters(text: str) -> str:
    # ー says nothing once folded; its ? would be left to the letter before it.
    marked = text.replace("ー?", "").replace("~~", _WIDE_GAP).replace("~", _GAP).replace("_", _PARTICLE)
    folded = _SPACE.sub("", fold(marked))
    folded = folded.replace(_WIDE_GAP, _gap(20)).replace(_GAP, _gap(8)).replace(_PARTICLE, _PARTICLES)
    folded = _ANY_LETTERS.sub(lambda gap: _gap(int(gap.group(1))), folded)
    folded = _LETTER_CLASS.sub(lambda letters: "(?:" + "|".join(letters.group(1)) + ")", folded)
    return _REPEATED_LETTER.sub(r"(?:\1)", folded).replace(BOUNDARY, SENTENCE_END)


def _gap(letters: int) -> str:
    return f"[^{SENTENCE_END}?!]{{0,{letters * _BYTES_PER_LETTER}}}"


def _compile(source: str, place: str) -> "re2._Regexp[bytes]":
    if empty := _EMPTY_CHOICE.search(source):
        raise ConfigError(
            f"{place}: {source!r} has an empty choice at {empty.start()}, expected words on both sides of |"
        )
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        pattern = re2.compile(source.encode(), options)
    except re2.error as error:
        raise ConfigError(f"{place}: {source!r} is refused ({error}), expected a pattern in linear time") from error
    if pattern.match(b""):
        raise ConfigError(f"{place}: {source!r} is found in an empty text, expected words that must be there")
    return pattern
