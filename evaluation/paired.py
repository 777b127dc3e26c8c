"""Compare two models on the same cases: how much better one is, with an interval, and whether it is no worse."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.clustered_mean import DIFFERENCE, SHARE, Totals, exceeds, falls_below, lower_bound, totals, upper_bound


@dataclass(frozen=True)
class Difference:
    """The first model's mean score less the second's, over the cases that both answered."""

    mean: float
    """-1 to 1; above 0 the first is better."""

    low: float
    """The lower end of the two-sided interval at `confidence`."""

    high: float

    confidence: float
    """Of the interval, 0 to 1."""

    first_mean: float
    second_mean: float

    discordance: float
    """The share of cases on which the two scores differ, 0 to 1."""

    design_effect: float
    """How many times the variance is that of as many unrelated cases; 1 where correlation costs nothing."""

    seen: Totals
    """The differences by conversation, for further questions."""

    @property
    def rows(self) -> int:
        """The cases compared."""
        return self.seen.rows

    @property
    def conversations(self) -> int:
        """The conversations that they are of."""
        return len(self.seen.sizes)

    @property
    def first_is_better(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    @property
    def first_is_worse(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high < 0


def difference(
    first: Sequence[float],
    second: Sequence[float],
    conversations: Sequence[Hashable],
    *,
    confidence: float = 0.95,
    ends: tuple[float, float] = SHARE,
) -> Difference:
    """Return how much better `first` did than `second`.

    Args:
        first: one score per case, shape (n,): 1 right and 0 wrong, or a mark between `ends`.
        second: the other model's scores of the same cases in the same order.
        conversations: whose case it is, shape (n,); cases of one conversation are not taken for independent.
        ends: the lowest and the highest score; differences are given in units of the way between them.

    Raises:
        ValueError: the three differ in length, are empty, or a score is not between the ends.
    """
    if not len(first) == len(second) == len(conversations) > 0:
        raise ValueError(
            f"difference: {len(first)} and {len(second)} scores of {len(conversations)} cases; expected as many of each"
        )
    for scores in (first, second):
        totals(scores, conversations, ends)
    apart = (np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)) / (ends[1] - ends[0])
    seen = totals(apart.tolist(), conversations, DIFFERENCE)
    half = (1 + confidence) / 2
    return Difference(
        mean=seen.mean,
        low=lower_bound(seen, half),
        high=upper_bound(seen, half),
        confidence=confidence,
        first_mean=float(np.mean(first)),
        second_mean=float(np.mean(second)),
        discordance=float(np.mean(apart != 0)),
        design_effect=seen.row_variance / float(np.var(apart)) if np.ptp(apart) and len(seen.sizes) > 1 else 1.0,
        seen=seen,
    )


def is_no_worse(seen: Totals, margin: float, confidence: float) -> bool:
    """Return whether the one-sided lower bound of (student - teacher) lies above -`margin` at `confidence`."""
    return exceeds(seen, -margin, confidence)


def is_shown_worse(seen: Totals, confidence: float) -> bool:
    """Return whether (student - teacher) is below 0 beyond what chance explains, one-sided, at `confidence`.

    For what may not get worse at all. No conversation is imagined in the student's favour, so an equal student is
    wrongly said to be worse in about 1 - `confidence` of all sets.
    """
    return falls_below(seen, 0.0, confidence, cautious=False)
