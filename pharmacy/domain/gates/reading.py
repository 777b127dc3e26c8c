"""One stretch of text against the rules: what is said in it, and what takes that back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import re2

from pharmacy.domain.gates.rules import VOCABULARY, Rule
from pharmacy.domain.gates.spelling import BOUNDARY
from pharmacy.domain.gates.words import SENTENCE_END, Vocabulary

_SIGNS = (b"?", b"!", SENTENCE_END.encode())
_ENDS = re2.compile(b"[\n?!]+")
_VERB_STEMS = frozenset(letter.encode() for letter in "らかがわさされけせめえべまげ")
ABSENT = "⊘"
"""Stands for a symptom that is said not to be there, for a reader who knows no "not"."""

_MOST_FINDINGS = 150
"""A text with more findings of one rule, each taken back, is no message from a patient: it is held unread."""


@dataclass(frozen=True)
class Shared:
    """The words every rule shares."""

    negated_after: "re2._Regexp[bytes]"
    not_negated_after: "re2._Regexp[bytes]"
    negated_symptom: "re2._Regexp[bytes]"
    long_past: "re2._Regexp[bytes]"
    resolved: "re2._Regexp[bytes]"
    asked: "re2._Regexp[bytes]"
    topics: Mapping[str, "re2._Regexp[bytes]"]
    """Every list of the vocabulary by its name."""

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Shared":
        """Return the shared words of `vocabulary`; raises ConfigError when one of the lists is not in it."""
        own = {name: vocabulary.listed(name, VOCABULARY) for name in cls.__annotations__ if name != "topics"}
        topics = {name: vocabulary.listed(name, VOCABULARY) for name in vocabulary.names}
        return cls(**own, topics=topics)

    def touched(self, text: str) -> list[str]:
        """Return the names of the vocabulary's lists of which `text` has a word."""
        read = text.replace(BOUNDARY, SENTENCE_END).encode()
        return [name for name, words in self.topics.items() if words.search(read)]

    def with_negated_marked(self, text: str) -> str:
        """Return `text` with `ABSENT` in place of each symptom it says is not there."""
        read = text.replace(BOUNDARY, SENTENCE_END).encode()
        pieces, done = [], 0
        for match in self.negated_symptom.finditer(read):
            if not self.not_negated_after.match(read[match.start() : match.end() + 60]):
                pieces += [read[done : match.start()], ABSENT.encode()]
                done = match.end()
        return b"".join([*pieces, read[done:]]).decode(errors="ignore").replace(SENTENCE_END, BOUNDARY)


class Reading:
    """A folded text of at most a few thousand letters, read rule by rule; each pattern is looked for once."""

    def __init__(self, text: str, shared: Shared) -> None:
        self._bytes = text.replace(BOUNDARY, SENTENCE_END).encode()
        self._shared = shared
        self._present: dict[int, bool] = {}
        self._negated: dict[int, bool] = {}
        self.is_too_dense = False
        """Whether some rule found more than can be looked at one by one."""

    def said(self, rule: Rule) -> int | None:
        """Return the place in letters where what `rule` holds is first said and not taken back, whatever else it asks.

        Where it is only said and taken back the place is negative.
        """
        if not self._has(rule.say):
            return None
        first = next(self._live(rule), None)
        return -1 if first is None else self._letters_before(first[0])

    def held_by(self, rule: Rule) -> tuple[int, int] | None:
        """Return the place in letters where `rule` holds the text, or None."""
        if not self._has(rule.say):
            return None
        if rule.unless_in_message and self._has(rule.unless_in_message):
            return None
        if not rule.also_in_sentence and not all(self._live_within(also, 0, len(self._bytes)) for also in rule.also):
            return None
        for start, end in self._live(rule):
            first, last = self._sentence(start, end)
            if rule.unless and rule.unless.search(self._bytes[first:last]):
                continue
            if rule.also_in_sentence and not all(self._live_within(also, first, last) for also in rule.also):
                continue
            if rule.past_cancels and self._is_long_resolved():
                return None
            return self._letters_before(start), self._letters_before(end)
        return None

    def is_past_but_asked_about(self) -> bool:
        """Return whether something long past is asked about now: then it is not past for who asks."""
        return self._has(self._shared.long_past) and self._has(self._shared.asked)

    def _letters_before(self, place: int) -> int:
        # A gap counts bytes, so a finding may end inside a letter; that letter is left out.
        return len(self._bytes[:place].decode(errors="ignore"))

    def _live(self, rule: Rule) -> Iterator[tuple[int, int]]:
        """Yield where `rule.say` is found and not taken back by the words right after it."""
        for count, match in enumerate(rule.say.finditer(self._bytes)):
            if count == _MOST_FINDINGS:
                self.is_too_dense = True
                return
            end = match.end()
            if rule.negation_cancels and self._is_negated(end):
                continue
            if rule.not_followed_by and rule.not_followed_by.match(self._bytes, end):
                continue
            yield match.start(), end

    def _live_within(self, pattern: "re2._Regexp[bytes]", first: int, last: int) -> bool:
        if not self._has(pattern):
            return False
        for count, match in enumerate(pattern.finditer(self._bytes, first, last)):
            if count == _MOST_FINDINGS:
                self.is_too_dense = True
                return True
            if not self._is_negated(match.end()):
                return True
        return False

    def _is_negated(self, end: int) -> bool:
        # Many rules end at one place.
        if (known := self._negated.get(end)) is None:
            known = self._negated[end] = self._takes_back(end)
        return known

    def _takes_back(self, end: int) -> bool:
        tail = self._bytes[end : end + 180]
        # 入ら|ない, 動か|ない: "not" belongs to the symptom itself when a verb's stem was found.
        if self._bytes[end - 3 : end] in _VERB_STEMS and tail.startswith("な".encode()):
            return False
        return bool(self._shared.negated_after.match(tail)) and not self._shared.not_negated_after.match(tail)

    def _is_long_resolved(self) -> bool:
        return (
            self._has(self._shared.long_past) and self._has(self._shared.resolved) and not self._has(self._shared.asked)
        )

    def _has(self, pattern: "re2._Regexp[bytes]") -> bool:
        if (known := self._present.get(id(pattern))) is None:
            known = self._present[id(pattern)] = pattern.search(self._bytes) is not None
        return known

    def _sentence(self, start: int, end: int) -> tuple[int, int]:
        """Return the bytes of the sentence that holds `start` to `end`."""
        starts = [self._bytes.rfind(sign, 0, start) + len(sign) for sign in _SIGNS if sign in self._bytes[:start]]
        first = max(starts, default=0)
        ends = _ENDS.search(self._bytes, end)
        # The sign itself belongs to its sentence, so that a question can be told from a statement.
        return first, ends.end() if ends else len(self._bytes)
