"""Which topics a message is about: likeness to their wordings, held against their rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pharmacy.models.local.guards import guarded, signs
from pharmacy.models.local.library import Entry
from pharmacy.models.local.retrieval import Index
from pharmacy.models.local.wording import asks, clauses, folded, without_greetings

THRESHOLD = 0.3
"""Score a topic must reach, 0 to 1. Chosen by leaving one wording out at a time; see tests/unit/models/local."""

MARGIN = 0.12
"""How far the best topic must be ahead of the next one."""

KEYWORD_WEIGHT = 0.3
"""How much of the score is the telling power of the topic's own keyword in the message; the rest is likeness."""

GENERAL_FLOOR = 0.15
"""Score from which another topic takes precedence over a general one."""

AFTER_BONUS = 0.1
"""What a topic gains when the pharmacy's last reply asked for just this."""

CLAUSE_THRESHOLD = 0.5
"""Likeness at which a clause speaks of a topic by itself."""

CLAUSE_SHARE = 0.5
"""A clause still belongs to the message's topic when that topic reaches this share of the clause's best."""

ASKING_FLOOR = 0.1
"""Likeness below which an asking clause has nothing to do with the message's topic."""


@dataclass(frozen=True)
class Said:
    """What the patient says and what was said before it."""

    text: str
    """The words to answer."""

    last_reply: str = ""


@dataclass(frozen=True)
class Match:
    """The topics that a message fits, the best first; none when it is better left to a person."""

    entries: tuple[Entry, ...]
    why: str
    """The best score, or why there is none."""


class Matcher:
    """All categories' topics in one index, so that words for another category are known as such."""

    def __init__(self, library: Mapping[str, Sequence[Entry]]) -> None:
        self.entries = [entry for entries in library.values() for entry in entries]
        self._index = Index((n, wording) for n, entry in enumerate(self.entries) for wording in entry.topic.intents)
        self._keywords = [_telling(entry, library[entry.category]) for entry in self.entries]

    def match(self, said: Said, category: str, without: int | None = None) -> Match:
        """Return the topics of `category` that `said` fits.

        Args:
            without: a wording to leave out, counted over all entries in order.
        """
        message = _Message.read(said)
        fitting = [n for n, e in enumerate(self.entries) if e.category == category and message.keeps_rules_of(e)]
        if not fitting:
            return Match((), f"no topic's rules hold, guards {sorted(message.guards)}")
        scores = self._scores(message, fitting, without)
        ranked = sorted(self._most_special(fitting, scores), key=lambda n: -scores[n])
        best = ranked[0]
        if scores[best] < THRESHOLD:
            return Match((), f"nearest is {self.entries[best].topic.id} at {scores[best]:.2f}")
        if len(ranked) > 1 and scores[best] - scores[ranked[1]] < MARGIN:
            either = " or ".join(self.entries[n].topic.id for n in ranked[:2])
            return self._joined(category, ranked) or Match((), either)
        return self._whole(message, best, category, without) or Match((self.entries[best],), f"{scores[best]:.2f}")

    def _scores(self, message: "_Message", fitting: Sequence[int], without: int | None) -> Mapping[int, float]:
        likeness = self._index.scores(message.text, without)
        return {n: self._score(message, n, float(likeness[n])) for n in fitting}

    def _score(self, message: "_Message", n: int, likeness: float) -> float:
        keyword = max((power for word, power in self._keywords[n].items() if word in message.text), default=0.0)
        bonus = AFTER_BONUS if self.entries[n].topic.after else 0.0
        return KEYWORD_WEIGHT * keyword + (1 - KEYWORD_WEIGHT) * likeness + bonus

    def _most_special(self, fitting: Sequence[int], scores: Mapping[int, float]) -> Sequence[int]:
        special = [n for n in fitting if not self.entries[n].topic.general and scores[n] >= GENERAL_FLOOR]
        return special or fitting

    def _whole(self, message: "_Message", best: int, category: str, without: int | None) -> Match | None:
        """Return what to do when a clause of the message is about something else, or None when none is."""
        for part in message.parts:
            likeness = self._index.scores(part, without)
            other = int(likeness.argmax())
            if self._same(other, best) or likeness[best] >= CLAUSE_SHARE * likeness[other]:
                continue
            if likeness[other] >= CLAUSE_THRESHOLD:
                return self._joined(category, (best, other)) or Match((), f"also about {self.entries[other].topic.id}")
            if asks(part) and likeness[best] < ASKING_FLOOR:
                return Match((), f"asks beside {self.entries[best].topic.id}")
        return None

    def _same(self, other: int, best: int) -> bool:
        return self.entries[other].topic.id == self.entries[best].topic.id

    def _joined(self, category: str, topics: Sequence[int]) -> Match | None:
        if not all(self.entries[n].topic.name for n in topics[:2]):
            return None
        joining = tuple(e for e in self.entries if e.category == category and e.topic.joins)
        return Match(joining, "more than one complaint") if joining else None


@dataclass(frozen=True)
class _Message:
    text: str
    last_reply: str
    parts: Sequence[str]
    guards: frozenset[str]
    signs: frozenset[str]

    @classmethod
    def read(cls, said: Said) -> "_Message":
        text = without_greetings(folded(said.text))
        found = signs(text) | ({"asking"} if asks(text) else frozenset())
        parts = clauses(text)
        return cls(text, folded(said.last_reply), parts if len(parts) > 1 else (), frozenset(guarded(text)), found)

    def keeps_rules_of(self, entry: Entry) -> bool:
        topic = entry.topic
        # A complaint is one that is there now; what got better or stayed the same was told of before.
        wanted = set(topic.wants) <= self.signs and not (topic.name and self.signs & {"improved", "unchanged"})
        return (
            wanted
            and len(self.text) <= topic.longest
            and self._holds(topic.about)
            and self._holds(topic.with_)
            and not any(word in self.text for word in topic.never)
            and (not topic.after or any(word in self.last_reply for word in topic.after))
            and self.guards <= set(topic.allows)
        )

    def _holds(self, words: Sequence[str]) -> bool:
        return not words or any(word in self.text for word in words)


def _telling(entry: Entry, category: Sequence[Entry]) -> Mapping[str, float]:
    """Return how surely each keyword of a topic tells it from the others of its category, 0 to 1."""
    power = {}
    for word in entry.topic.about:
        own = sum(word in wording for wording in entry.topic.intents)
        every = sum(word in wording for other in category for wording in other.topic.intents)
        power[word] = own / (every + 1)
    return power


def wordings(entries: Sequence[Entry]) -> Iterator[tuple[int, Entry, str]]:
    """Yield each wording with its number over all entries, and its entry."""
    number = 0
    for entry in entries:
        for wording in entry.topic.intents:
            yield number, entry, wording
            number += 1
