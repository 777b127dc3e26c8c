"""What becomes of drafts in figures: how many of each, how fast, and how much of an edited one was changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz.distance import Levenshtein

from pharmacy.domain.share import Share

DECIDED = ("approved", "edited", "rejected", "regenerated")
"""What a person can decide of a draft, in the order of the figures."""


@dataclass(frozen=True)
class Spread:
    """How large some values are."""

    n: int = 0
    median: float | None = None
    """None of nothing, and likewise `p90`, which nine of ten do not exceed."""

    p90: float | None = None


@dataclass(frozen=True)
class Edits:
    """How much people changed of the drafts that they edited."""

    chars: Spread = Spread()
    """Characters put in, taken out or replaced, the fewest that make one text the other."""

    median_share: float | None = None
    """The same as a share of the longer text: 0 is nothing changed, 1 is every character."""


@dataclass(frozen=True)
class Figures:
    """What became of drafts."""

    displayed: int = 0
    """Drafts that a person had on the screen for the first time."""

    decided: Mapping[str, int] = field(default_factory=dict)
    """`DECIDED` to how many."""

    refused_for: Mapping[str, int] = field(default_factory=dict)
    """The code of the reason to how many."""

    superseded: int = 0
    """Drafts that were on the screen, and were then overtaken before anybody decided them."""

    seconds: Spread = Spread()
    """From a person's first look at a draft to that person's decision."""

    edits: Edits = Edits()

    @property
    def decisions(self) -> int:
        """How many drafts were decided."""
        return sum(self.decided.values())

    def share(self, decision: str) -> Share:
        """Return which share of the decisions were this one."""
        return Share(self.decided.get(decision, 0), self.decisions)


def quantile(values: Sequence[float], at: float) -> float:
    """Return the value below which the share `at` of `values` lies, between two of them where it falls between.

    Args:
        values: in any order, at least one.
        at: 0 gives the smallest, 1 the largest.
    """
    return float(np.quantile([*values], at))


def spread_of(values: Sequence[float]) -> Spread:
    """Return how large `values` are."""
    return Spread(len(values), quantile(values, 0.5), quantile(values, 0.9)) if values else Spread()


def edits_of(changes: Iterable[tuple[int, float]]) -> Edits:
    """Return how much was changed, from the `change` of each edited draft."""
    found = [*changes]
    if not found:
        return Edits()
    return Edits(spread_of([chars for chars, _ in found]), quantile([share for _, share in found], 0.5))


def change(draft: str, sent: str) -> tuple[int, float]:
    """Return how many characters lie between a draft and what was sent, and that as a share of the longer text.

    Source: V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals" (1966).
    """
    chars = Levenshtein.distance(draft, sent)
    return chars, chars / max(len(draft), len(sent), 1)
