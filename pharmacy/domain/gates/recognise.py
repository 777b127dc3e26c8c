"""The gate on texts: which rules hold a message, and how soon a person must look at it.

No rule lowers what another found. What a rule found is let go only where the likeness, which weighs all rules and the
words around, is sure that it is harmless. Whatever cannot be read or decided is held.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import GateHit, Tier, highest
from pharmacy.domain.gates.likeness import STRETCH_LETTERS, Likeness, Scores, stretches
from pharmacy.domain.gates.normalise import GateText, normalise
from pharmacy.domain.gates.reading import Reading, Shared
from pharmacy.domain.gates.rules import FOLDER, VOCABULARY, Rule, Trust, read_rules
from pharmacy.domain.gates.words import Vocabulary

_WINDOW_LETTERS = 4500
_OVERLAP_LETTERS = 300
_SENTENCE_ENDS = "。?!、,"
# A text in which so many rules hold, one of tier E among them, is decided: a text made to cost time costs no more.
_ENOUGH_HITS = 12

Sign = tuple[str, int]
"""What a rule makes of a text (said, denied, held) with its name, and the place in letters."""

Finding = tuple[GateHit, Trust]
"""What a rule holds, and how far the rule is trusted alone."""


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
        read = self._stretches(joined, signs)
        scores = [self._likeness.scores(*each) for each in read] if self._likeness else []
        if likely := highest(tier for score in scores if self._likeness and (tier := self._likeness.tier(score))):
            yield GateHit("likeness", likely, (0, len(gate_text.text)), gate_text.text)
        for hit, trust in found:
            if self._confirmed(hit, trust, scores) or self._confirmed(
                hit, trust, self._of_sentences(joined, hit, signs)
            ):
                yield hit
        known = {hit.rule for hit, _ in found}
        for hit, trust, sentences in self._apart(gate_text):
            # What is said in emoji alone, or where only a line end ends the sentence, is in no stretch that was scored.
            unheard = hit.rule not in known and trust is not Trust.HINT
            if unheard or self._confirmed(hit, trust, sentences if hit.tier is Tier.E else scores):
                yield hit

    def _apart(self, gate_text: GateText) -> Iterator[tuple[GateHit, Trust, list[Scores]]]:
        """Give what the rules find in the emoji alone and line by line, with the scores of the sentences it is in."""
        for text in (gate_text.emoji[:_WINDOW_LETTERS], gate_text.parted() if gate_text.has_breaks else ""):
            found, signs = self._read(text, None) if text else ([], [])
            for hit, trust in found:
                yield hit, trust, self._of_sentences(text, hit, signs)

    def _confirmed(self, hit: GateHit, trust: Trust, scores: Sequence[Scores]) -> bool:
        if self._likeness is None or (hit.tier is Tier.E and len(scores) > 1):
            return True  # small talk around an emergency must not talk it away
        return any(self._likeness.confirms(score, hit.tier, trust) for score in scores)

    def _of_sentences(self, text: str, hit: GateHit, signs: list[Sign]) -> list[Scores]:
        """Return how likely the sentences are, each by itself, in which a rule sees an emergency.

        Thanks, or a word about an order, before an emergency must not talk it away.
        """
        if self._likeness is None or hit.tier is not Tier.E:
            return []
        places = dict.fromkeys(_sentence(text, place) for name, place in signs if name == f"held {hit.rule}")
        return [self._likeness.scores(*self._seen(text, signs, *sentence)) for sentence in places]

    def _stretches(self, text: str, signs: list[Sign]) -> list[tuple[str, list[str]]]:
        return [self._seen(text, signs, start, start + STRETCH_LETTERS) for start in stretches(text)]

    def _seen(self, text: str, signs: list[Sign], start: int, end: int) -> tuple[str, list[str]]:
        """Return a piece of a text as the likeness reads it, and the signs in it."""
        assert self._shared is not None
        stretch = self._shared.with_negated_marked(text[start:end])
        found = [name for name, place in signs if start <= place < end]
        return stretch, found + [f"touched {name}" for name in self._shared.touched(stretch)]

    def _read(self, text: str, places: list[int] | None) -> tuple[list[Finding], list[Sign]]:
        """Return which rules hold `text`, and how far each is trusted; and what the likeness may make of the rules."""
        assert self._shared is not None
        hits: list[Finding] = []
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
                    hits.append((hit, _trust(rule, reading)))
            if reading.is_too_dense:
                hits.append((GateHit("too_dense", Tier.U, (0, 0), ""), Trust.ALONE))
        return hits, signs


def _sentence(text: str, place: int) -> tuple[int, int]:
    """Return where the sentence begins and ends that has a letter at `place`."""
    begins = max(text.rfind(end, 0, place) for end in _SENTENCE_ENDS) + 1
    ends = [at for end in _SENTENCE_ENDS if (at := text.find(end, place)) >= 0]
    return begins, min(ends, default=len(text))


def _trust(rule: Rule, reading: Reading) -> Trust:
    if rule.trust is Trust.WITNESS and rule.tier is Tier.E and reading.is_past_but_asked_about():
        return Trust.ALONE
    return rule.trust


def _is_decided(hits: list[Finding]) -> bool:
    return len(hits) >= _ENOUGH_HITS and any(hit.tier is Tier.E for hit, _ in hits)


def load_or_closed(folder: Path | None = None) -> tuple[Recogniser, ConfigError | None]:
    """Return a recogniser and what is wrong with its rules: with a problem it is closed and holds everything.

    The shipped rules are read once per process.
    """
    try:
        return Recogniser.load(folder) if folder else _shipped(), None
    except ConfigError as problem:
        return Recogniser.closed(str(problem)), problem


@cache
def _shipped() -> Recogniser:
    return Recogniser.load()


def _placed(first: int, last: int, places: list[int] | None) -> tuple[int, int]:
    if places is None or first == last:
        return first, last
    return places[first], places[last - 1] + 1
