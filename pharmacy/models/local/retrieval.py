"""How like a message is to the wordings of each topic: character n-gram TF-IDF over numpy arrays."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVER_WEIGHT, NEAR_WEIGHT = 0.7, 0.3
"""How much counts that a topic's words cover the message, and that one of its wordings is close to it as a whole."""

UNKNOWN_SHARE = 0.3
"""Weight of a gram that no wording holds, against one that a single topic holds."""

_SHARPNESS = 1.5
"""Power on the inverse topic frequency: above 1, what many topics share counts for still less."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class _Postings:
    """For each gram, the wordings or topics that hold it."""

    starts: Ints
    """Gram g's entries stand from starts[g] up to starts[g + 1], shape (grams + 1,)."""

    targets: Ints
    counts: Ints

    def of(self, found: Ints) -> tuple[Ints, Ints]:
        """Return the places of all entries of the grams `found`, and for each which of `found` it belongs to."""
        lengths = self.starts[found + 1] - self.starts[found]
        owner = np.repeat(np.arange(len(found)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self.starts[found][owner] + offset, owner


class Index:
    """The wordings of many topics, built once; what a gram is, its maker says."""

    def __init__(self, wordings: Iterable[tuple[int, Collection[Hashable]]]) -> None:
        """Index the grams of `wordings`, each with the number of its topic; topics count from 0 in order."""
        pairs = [*wordings]
        self._topic_of = np.array([topic for topic, _ in pairs])
        self._topics = int(self._topic_of[-1]) + 1
        self._first = np.searchsorted(self._topic_of, np.arange(self._topics))
        self._gram: dict[Hashable, int] = {}
        flat = [(self._gram.setdefault(gram, len(self._gram)), n) for n, (_, held) in enumerate(pairs) for gram in held]
        gram, wording = np.array(flat).T
        self._in_topics = self._vocabulary(gram, wording)
        self._weight = self._weights(np.diff(self._in_topics.starts))
        self._norms = np.sqrt(np.bincount(wording, self._weight[gram] ** 2))
        order = np.argsort(gram, kind="stable")
        self._in_wordings = _Postings(self._starts(gram[order]), wording[order], np.ones_like(order))

    def scores(self, held: Collection[Hashable], without: int | None = None) -> Floats:
        """Return each topic's likeness to a text that holds these grams, 0 to 1, shape (topics,).

        Args:
            without: a wording to leave out, as if it had never been written.
        """
        found = np.array([known for gram in held if (known := self._gram.get(gram)) is not None], dtype=np.intp)
        places, owner = self._in_topics.of(found)
        topics = self._in_topics.targets[places]
        if without is not None:
            # Words that only the left-out wording brings to its topic go with it.
            kept = (self._in_topics.counts[places] > 1) | (topics != self._topic_of[without])
            topics, owner = topics[kept], owner[kept]
        held_by = np.bincount(owner, minlength=len(found))
        weight = np.where(held_by > 0, self._weights(np.maximum(held_by, 1)), 0.0)
        strange = (len(held) - int((held_by > 0).sum())) * UNKNOWN_SHARE * float(self._weights(np.array(1)))
        if not (total := weight.sum() + strange):
            return np.zeros(self._topics)
        covered: Floats = np.bincount(topics, weight[owner], minlength=self._topics) / total
        return COVER_WEIGHT * covered + NEAR_WEIGHT * self._nearest(found, weight, strange, without)

    def _nearest(self, found: Ints, weight: Floats, strange: float, without: int | None) -> Floats:
        places, owner = self._in_wordings.of(found)
        products = (weight * self._weight[found])[owner]
        near: Floats = np.bincount(self._in_wordings.targets[places], products, minlength=len(self._norms)).astype(
            float
        )
        if without is not None:
            near[without] = 0.0
        near = near / (self._norms * np.sqrt((weight**2).sum() + strange**2) + 1e-9)
        return np.maximum.reduceat(near, self._first)

    def _weights(self, held_by: Ints) -> Floats:
        weights: Floats = np.log((self._topics + 1) / held_by) ** _SHARPNESS
        return weights

    def _vocabulary(self, gram: Ints, wording: Ints) -> _Postings:
        pairs, counts = np.unique(gram * self._topics + self._topic_of[wording], return_counts=True)
        gram, topic = np.divmod(pairs, self._topics)
        return _Postings(self._starts(gram), topic, counts)

    def _starts(self, gram: Ints) -> Ints:
        return np.searchsorted(gram, np.arange(len(self._gram) + 1))
