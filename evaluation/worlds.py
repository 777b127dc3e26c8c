"""Imagined held-out sets in which it is known how good the student is, to see how often the gate is wrong.

Each conversation has its own chances of the four ways that a case can go (both right, only the teacher, only the
student, neither), drawn around the world's from a Dirichlet distribution, so that cases of one conversation are alike;
in the hardest worlds long conversations are harder too. The sizes are ours, for want of published ones: most
conversations leave one to four cases, one in seventeen about ten, at most 30; a case's own one has 6 on average.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    likeness: float
    """The correlation of two cases of one conversation, 0 (none) to below 1."""

    long_is_harder: bool = False

    def is_possible(self, difference: float) -> bool:
        """Return whether a teacher can be this good and disagree this often with such a student."""
        return bool(np.all(self._shares(difference, np.array([1, _LONG])) >= 0))

    def draw(self, rows: int, difference: float, chance: np.random.Generator) -> Totals:
        """Return the student's score less the teacher's, added up by conversation, of at least `rows` cases."""
        sizes = _sizes(rows, chance)
        shares = self._shares(difference, sizes)
        if self.likeness:
            drawn = chance.standard_gamma(shares * (1 / self.likeness - 1))
            shares = drawn / drawn.sum(axis=1, keepdims=True)
        cases = chance.multinomial(sizes, shares)
        return Totals((cases[:, 2] - cases[:, 1]).astype(np.float64), sizes.astype(np.float64))

    def _shares(self, difference: float, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
        apart = max(self.discordance, abs(difference))
        harder = _HARDER_BY_SIZE[sizes] if self.long_is_harder else np.ones(len(sizes))
        only_teacher, only_student = harder * (apart - difference) / 2, harder * (apart + difference) / 2
        both, neither = self.teacher_share - only_teacher, 1 - self.teacher_share - only_student
        return np.column_stack([both, only_teacher, only_student, neither])


def _sizes(rows: int, chance: np.random.Generator) -> NDArray[np.int64]:
    mean = float(np.arange(1, _MOST + 1) @ SIZE_SHARES)
    drawn = chance.choice(np.arange(1, _MOST + 1), size=int(rows / mean * 1.3) + 60, p=SIZE_SHARES)
    return np.asarray(drawn[: int(np.searchsorted(np.cumsum(drawn), rows)) + 1], dtype=np.int64)
