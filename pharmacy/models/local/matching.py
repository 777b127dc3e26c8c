"""Which topics a message is about: likeness to their wordings, held against their rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pharmacy.models.local.guards import complaint_words, elsewhere, guarded, signs
from pharmacy.models.local.library import Entry
from pharmacy.models.local.retrieval import Index
from pharmacy.models.local.wording import asks, clauses, folded, grams, without_greetings

THRESHOLD = 0.4
"""Score a topic must reach, 0 to 1. Chosen by leaving one wording out at a time; see tests/unit/models/local."""

COMPLAINT_THRESHOLD = 0.2
"""The same for a complaint that is named by a word of its own; what else the message tells does not make it another."""

TELLING = 0.35
"""Telling power from which a keyword names its topic."""

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
"""Likeness below which a clause has nothing to do with the message's topic."""

SHORT_ACT = 60
"""Topics for messages up to this length (thanks, a receipt) leave no room for a clause about something else."""

_NOT_COMPLAINTS = frozenset({"improved", "lifestyle", "fine", "taking", "reported"})
_REPORTS = frozenset({"improved", "unchanged"})
# How long it has been taken, and how a complaint is brought forward: neither is a matter of its own.
_SINCE = re.compile("^(?:飲み始め|飲んで|飲み続け)")
_WISH = re.compile(
    "漢方|相談|なんとか|どうにか|対策|改善|体質|おすすめ|合う|合い|向いて|探して|治したい|楽に|(?:教えて(?:ください|ほしい)?|知りたい)"
)


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
        self._index = Index(
            (n, grams(without_greetings(wording))) for n, e in enumerate(self.entries) for wording in e.topic.intents
        )
        self._keywords = [_telling(entry, library[entry.category]) for entry in self.entries]

    def match(self, said: Said, category: str, without: int | None = None) -> Match:
        """Return the topics of `category` that `said` fits.

        Args:
            without: a wording to leave out, counted over all entries in order.
        """
        message = _Message.read(said)
        if elsewhere(message.text, category):
            return Match((), f"words of another category than {category}")
        fitting = [n for n, e in enumerate(self.entries) if e.category == category and message.keeps_rules_of(e)]
        if not fitting:
            return Match((), f"no topic's rules hold, guards {sorted(message.guards)}")
        scores = self._scores(message, fitting, without)
        ranked = sorted(self._most_special(fitting, scores), key=lambda n: -scores[n])
        best = ranked[0]
        if scores[best] < self._threshold(message, best):
            return Match((), f"nearest is {self.entries[best].topic.id} at {scores[best]:.2f}")
        if joined := self._joined(message, best):
            return joined
        if len(ranked) > 1 and scores[best] - scores[ranked[1]] < MARGIN:
            return self._either(ranked[:2])
        stray = self._stray(message, best, without)
        return Match((), stray) if stray else Match((self.entries[best],), f"{scores[best]:.2f}")

    def _scores(self, message: "_Message", fitting: Sequence[int], without: int | None) -> Mapping[int, float]:
        likeness = self._index.scores(grams(message.text), without)
        return {n: self._score(message, n, float(likeness[n])) for n in fitting}

    def _score(self, message: "_Message", n: int, likeness: float) -> float:
        bonus = AFTER_BONUS if self.entries[n].topic.after else 0.0
        return KEYWORD_WEIGHT * self._keyword(message, n) + (1 - KEYWORD_WEIGHT) * likeness + bonus

    def _keyword(self, message: "_Message", n: int) -> float:
        return max((power for word, power in self._keywords[n].items() if word in message.text), default=0.0)

    def _threshold(self, message: "_Message", n: int) -> float:
        named = self.entries[n].topic.name and self._keyword(message, n) >= TELLING
        return COMPLAINT_THRESHOLD if named else THRESHOLD

    def _most_special(self, fitting: Sequence[int], scores: Mapping[int, float]) -> Sequence[int]:
        special = [n for n in fitting if not self.entries[n].topic.general and scores[n] >= GENERAL_FLOOR]
        return special or fitting

    def _joined(self, message: "_Message", best: int) -> Match | None:
        """Return the topic for several complaints when the message names another one beside the best."""
        entry = self.entries[best]
        own = "".join((*entry.topic.intents, *entry.topic.about))
        others = sorted(word for word in complaint_words(message.text) if word not in own)
        if not others or not (entry.topic.name or _REPORTS.intersection(entry.topic.wants)):
            return None
        joining = (e for e in self.entries if entry.topic.name and e.category == entry.category and e.topic.joins)
        return Match(tuple(joining), f"{entry.topic.id} beside {others}")

    def _either(self, pair: Sequence[int]) -> Match:
        """Return what two topics as likely come to: several complaints, or nothing sure."""
        first, second = (self.entries[n] for n in pair)
        both = first.topic.name and second.topic.name
        joining = (e for e in self.entries if both and e.category == first.category and e.topic.joins)
        return Match(tuple(joining), f"{first.topic.id} or {second.topic.id}")

    def _stray(self, message: "_Message", best: int, without: int | None) -> str:
        """Return why a clause of the message is about something else than the best topic, or an empty text."""
        topic = self.entries[best].topic
        for part in message.parts:
            if topic.name and _WISH.search(part):
                continue
            if _REPORTS.intersection(topic.wants) and _SINCE.search(part):
                continue
            likeness = self._index.scores(grams(part), without)
            other = int(likeness.argmax())
            if self.entries[other].topic.id == topic.id or likeness[best] >= CLAUSE_SHARE * likeness[other]:
                continue
            if likeness[other] >= CLAUSE_THRESHOLD and not topic.name:
                return f"{topic.id}, but also {self.entries[other].topic.id}"
            if (asks(part) or topic.longest < SHORT_ACT) and likeness[best] < ASKING_FLOOR:
                return f"{topic.id}, but a clause beside it"
        return ""


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
        # A complaint is one that is there now; what got better was told of before.
        wanted = set(topic.wants) <= self.signs and not (topic.name and self.signs & _NOT_COMPLAINTS)
        # One thing better and another not is neither report.
        wanted = wanted and not (self.signs >= _REPORTS and _REPORTS.intersection(topic.wants))
        return (
            wanted
            and not (topic.general and topic.longest < SHORT_ACT and complaint_words(self.text))
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
