"""The gate on texts: which rules hold a message, and how soon a person must look at it.

It only ever adds: no rule lowers what another found. Whatever cannot be read or decided is held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import GateHit, Tier, highest
from pharmacy.domain.gates.likeness import STRETCH_LETTERS, Likeness, stretches
from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.reading import Reading, Shared
from pharmacy.domain.gates.rules import FOLDER, VOCABULARY, Rule, read_rules
from pharmacy.domain.gates.words import Vocabulary

_WINDOW_LETTERS = 4500
_OVERLAP_LETTERS = 300
# A text in which so many rules hold, one of tier E among them, is decided: a text made to cost time costs no more.
_ENOUGH_HITS = 12

Sign = tuple[str, int]
"""What a rule makes of a text (said, denied, held) with its name, and the place in letters."""


@dataclass(frozen=True)
class Recognition:
    """What the gates say about one message."""

    hits: tuple[GateHit, ...]
    """At most one per rule, most pressing tier first."""

    @property
    def tier(self) -> Tier | None:
        """The most pressing tier found, or None when nothing holds the message."""
        return highest(hit.tier for hit in self.hits)


class Recogniser:
    """Reads messages by the rules of one folder. Build it once; it holds no state between messages."""

    def __init__(
        self, rules: tuple[Rule, ...], shared: Shared | None, likeness: Likeness | None, closed_by: str = ""
    ) -> None:
        self.rules = rules
        self.closed_by = closed_by
        """Why everything is held, or empty while the rules are in force."""
        self._shared = shared
        self._likeness = likeness

    @classmethod
    def load(cls, folder: Path | None = None) -> "Recogniser":
        """Return a recogniser for the rules in `folder`, by default the shipped ones.

        Raises:
            ConfigError: a file is missing or not as described, or a category has lost its rules.
        """
        folder = folder or FOLDER
        vocabulary = Vocabulary.read(folder / VOCABULARY)
        rules = read_rules(folder, vocabulary)
        return cls(rules, Shared.of(vocabulary), Likeness.load())

    @classmethod
    def closed(cls, why: str) -> "Recogniser":
        """Return a recogniser that holds every message at tier U, because the rules cannot be read."""
        return cls((), None, None, closed_by=why)

    def recognise(self, text: str) -> Recognition:
        """Return which rules hold `text`; any string is taken, in time linear in its length."""
        if self._shared is None:
            return Recognition((GateHit("rules_unreadable", Tier.U, (0, 0), ""),))
        found: dict[str, GateHit] = {}
        for hit in self._hits(text):
            found.setdefault(hit.rule, hit)
        return Recognition(tuple(sorted(found.values(), key=lambda hit: ("EUH".index(hit.tier), hit.span))))

    def stretches(self, text: str) -> list[tuple[str, list[str]]]:
        """Return the stretches of a gate copy as the likeness reads them, each with the signs of the rules in it."""
        _, signs = self._read(text, None)
        return self._stretches(text, signs)

    def _hits(self, raw: str) -> Iterator[GateHit]:
        gate_text = normalise(raw)
        joined, places = gate_text.joined()
        found, signs = self._read(joined, places)
        if _is_decided(found):
            yield from (hit for hit, _ in found)
            return
        if gate_text.emoji:
            found += self._read(gate_text.emoji[:_WINDOW_LETTERS], None)[0]
        if gate_text.has_breaks:
            found += self._read(gate_text.parted(), None)[0]
        read = self._stretches(joined, signs)
        likely, confirmed = self._likely(read)
        if likely:
            yield GateHit("likeness", likely, (0, len(gate_text.text)), gate_text.text)
        yield from (hit for hit, is_hint in found if confirmed or not is_hint)

    def _likely(self, read: list[tuple[str, list[str]]]) -> tuple[Tier | None, bool]:
        """Return the tier the likeness finds, and whether it confirms what rules hint at.

        In a text of several stretches every hint holds: small talk around an emergency must not talk it away.
        """
        if self._likeness is None:
            return None, True
        scores = [self._likeness.scores(stretch, signs) for stretch, signs in read]
        likely = highest(tier for score in scores if (tier := self._likeness.tier(score)))
        return likely, len(read) > 1 or any(self._likeness.confirms(score) for score in scores)

    def _stretches(self, text: str, signs: list[Sign]) -> list[tuple[str, list[str]]]:
        assert self._shared is not None
        read = []
        for start in stretches(text):
            stretch = self._shared.with_negated_marked(text[start : start + STRETCH_LETTERS])
            found = [name for name, place in signs if start <= place < start + STRETCH_LETTERS]
            read.append((stretch, found + [f"touched {name}" for name in self._shared.touched(stretch)]))
        return read

    def _read(self, text: str, places: list[int] | None) -> tuple[list[tuple[GateHit, bool]], list[Sign]]:
        """Return which rules hold `text`, and whether only as a hint; and what the likeness may make of the rules."""
        assert self._shared is not None
        hits: list[tuple[GateHit, bool]] = []
        signs: list[Sign] = []
        for start in range(0, max(len(text), 1), _WINDOW_LETTERS - _OVERLAP_LETTERS):
            reading = Reading(text[start : start + _WINDOW_LETTERS], self._shared)
            for rule in self.rules:
                if _is_decided(hits):
                    return hits, signs
                if (said := reading.said(rule)) is None:
                    continue
                signs.append((f"said {rule.name}" if said >= 0 else f"denied {rule.name}", start + max(said, 0)))
                if span := reading.held_by(rule):
                    first, last = start + span[0], start + span[1]
                    signs.append((f"held {rule.name}", first))
                    hit = GateHit(rule.name, rule.tier, _placed(first, last, places), text[first:last])
                    hits.append((hit, rule.is_hint))
            if reading.is_too_dense:
                hits.append((GateHit("too_dense", Tier.U, (0, 0), ""), False))
        return hits, signs


def _is_decided(hits: list[tuple[GateHit, bool]]) -> bool:
    return len(hits) >= _ENOUGH_HITS and any(hit.tier is Tier.E for hit, _ in hits)


def load_or_closed(folder: Path | None = None) -> tuple[Recogniser, ConfigError | None]:
    """Return a recogniser and what is wrong with its rules: with a problem it is closed and holds everything."""
    try:
        return Recogniser.load(folder), None
    except ConfigError as problem:
        return Recogniser.closed(str(problem)), problem


def _placed(first: int, last: int, places: list[int] | None) -> tuple[int, int]:
    if places is None or first == last:
        return first, last
    return places[first], places[last - 1] + 1
