"""Imagined held-out sets in which it is known how good the student is, to see how often the gate is wrong.

Each conversation has its own chances of the four ways that a case can go (both right, only the teacher, only the
student, neither), drawn around the world's from a Dirichlet distribution, so that cases of one conversation are alike;
in the hardest worlds long conversations are harder too. The sizes are ours, for want of published ones: most
conversations leave one to four cases, one in seventeen about ten, at most 30; a case's own one has 6 on average.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from evaluation.clustered_mean import Totals

_MOST = 30
_LONG = 8
"""Cases from which on a conversation is long."""

_HARDER = 1.5
"""How much more often the two models disagree in a long conversation, where long ones are harder."""


def _size_shares() -> NDArray[np.float64]:
    # Short: geometric, mean 2.2. Long, 6% of them: as much again as a geometric number of mean 8. At most 30.
    cases = np.arange(1, _MOST + 1)
    short, more = 0.45 * 0.55 ** (cases - 1), 0.12 * 0.88 ** (cases - 1)
    long = np.convolve(short, more)[: _MOST - 1]
    shares = 0.94 * short + 0.06 * np.concatenate([[0.0], long])
    shares[-1] += 1 - shares.sum()
    return shares


SIZE_SHARES = _size_shares()
"""How often a conversation leaves 1, 2, … 30 cases."""


def _harder_by_size() -> NDArray[np.float64]:
    # Over all cases it is 1, so that the student is as much worse as it is meant to be.
    cases = np.arange(1, _MOST + 1) * SIZE_SHARES
    long = cases[_LONG - 1 :].sum() / cases.sum()
    by_size = np.full(_MOST + 1, (1 - _HARDER * long) / (1 - long))
    by_size[_LONG:] = _HARDER
    return by_size


_HARDER_BY_SIZE = _harder_by_size()


@dataclass(frozen=True)
class World:
    """What a set of held-out cases is drawn from."""

    teacher_share: float
    """How often the teacher is right, 0 to 1."""

    discordance: float
    """How often just one of the two is right, 0 to 1; at least as often as the student is worse."""

    correlation: float
    """The correlation of two cases of one conversation, 0 (none) to below 1."""

    long_is_harder: bool = False

    def is_possible(self, difference: float) -> bool:
        """Return whether a teacher can be this good and disagree this often with such a student."""
        return bool(np.all(self._shares(difference, np.array([1, _LONG])) >= 0))

    def draw(self, rows: int, difference: float, chance: np.random.Generator) -> Totals:
        """Return the student's score less the teacher's, added up by conversation, of at least `rows` cases.

        Args:
            difference: the student's share right less the teacher's, over all cases, -1 to 1.
        """
        every = conversations(self, difference)
        at_most = int(rows / float(every.sizes @ every.shares) * 1.3) + 60
        drawn = np.searchsorted(np.cumsum(every.shares), chance.random(at_most)).clip(max=len(every.shares) - 1)
        sizes = every.sizes[drawn]
        enough = int(np.searchsorted(np.cumsum(sizes), rows)) + 1
        return Totals(every.sums[drawn[:enough]], sizes[:enough])

    def _shares(self, difference: float, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
        apart = max(self.discordance, abs(difference))
        harder = _HARDER_BY_SIZE[sizes] if self.long_is_harder else np.ones(len(sizes))
        only_teacher, only_student = harder * (apart - difference) / 2, harder * (apart + difference) / 2
        both, neither = self.teacher_share - only_teacher, 1 - self.teacher_share - only_student
        return np.column_stack([only_teacher, only_student, both, neither])


@dataclass(frozen=True)
class Conversations:
    """Every conversation that a world can draw, as far as the comparison sees it."""

    sizes: NDArray[np.float64]
    sums: NDArray[np.float64]
    """Cases that only the student had right less those that only the teacher had."""

    shares: NDArray[np.float64]
    """How often each is drawn; they add up to 1."""


@cache
def conversations(world: World, difference: float) -> Conversations:
    """Return how often each conversation comes, its own chances integrated out (the Dirichlet-multinomial law)."""
    shares = np.zeros((_MOST, 2 * _MOST + 1))
    of_sizes = world._shares(difference, np.arange(1, _MOST + 1))
    for size, (lost, won, *alike) in enumerate(of_sizes, 1):
        losses, wins = (counts.ravel() for counts in np.mgrid[: size + 1, : size + 1])
        losses, wins = losses[losses + wins <= size], wins[losses + wins <= size]
        counts = np.stack([losses, wins, size - losses - wins])
        law = np.exp(_log_law(counts, np.array([lost, won, sum(alike)]), world.correlation))
        np.add.at(shares[size - 1], wins - losses + _MOST, SIZE_SHARES[size - 1] * law)
    sizes, sums = np.mgrid[1 : _MOST + 1, -_MOST : _MOST + 1].astype(np.float64)
    can = shares > 0
    return Conversations(sizes[can], sums[can], shares[can])


def _log_law(counts: NDArray[np.int64], chances: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    can = chances > 0
    size = counts.sum(axis=0)
    law = gammaln(size + 1) - gammaln(counts + 1).sum(axis=0)
    law[(counts[~can] > 0).any(axis=0)] = -np.inf
    counts, chances = counts[can], chances[can, None]
    if not correlation:
        return np.asarray(law + (counts * np.log(chances)).sum(axis=0))
    own = 1 / correlation - 1
    each = gammaln(chances * own + counts) - gammaln(chances * own)
    return np.asarray(law + each.sum(axis=0) + gammaln(own) - gammaln(own + size))
