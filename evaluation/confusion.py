"""How often each label was given where another was right, conversation by conversation, and drawn anew."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.clustered_mean import Estimate

_DRAWS = 2000
_DRAWS_AT_ONCE = 200

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From matrices of counts, shape (draws, labels, labels), to one number each."""


@dataclass(frozen=True)
class Confusion:
    """Counts of (right label, given label) in each conversation."""

    labels: tuple[str, ...]
    counts: NDArray[np.float64]
    """Shape (conversations, labels, labels): right label by given label, in the order of `labels`."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The counts over all conversations."""
        return np.asarray(self.counts.sum(axis=0))

    def estimate(self, statistic: Statistic, ends: tuple[float, float], *, seed: int) -> Estimate:
        """Return `statistic`, which lies between `ends`, with its 95% interval: conversations drawn anew, put back.

        Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3 (percentiles); whole
        conversations are drawn because cases of one are alike. For a plain share `clustered_mean` is better: a
        bootstrap of a few cases that are all right knows no doubt.
        """
        drawn = statistic(self._drawn_anew(np.random.default_rng(seed)))
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) and len(self.counts) > 1 else ends
        return Estimate(float(statistic(self.matrix[None])[0]), float(low), float(high), int(self.counts.sum()))

    def _drawn_anew(self, chance: np.random.Generator) -> NDArray[np.float64]:
        size, many = len(self.counts), len(self.labels)
        flat, parts = self.counts.reshape(size, -1), []
        for _ in range(_DRAWS // _DRAWS_AT_ONCE):
            places = chance.integers(size, size=(_DRAWS_AT_ONCE, size)) + size * np.arange(_DRAWS_AT_ONCE)[:, None]
            times = np.bincount(places.ravel(), minlength=_DRAWS_AT_ONCE * size).reshape(_DRAWS_AT_ONCE, size)
            parts.append(times @ flat)
        return np.concatenate(parts).reshape(-1, many, many)


def confusion(
    right: Sequence[str], given: Sequence[str], conversations: Sequence[Hashable], labels: Sequence[str] = ()
) -> Confusion:
    """Return what was given where what was right.

    Args:
        right: one label per case, shape (n,).
        given: the label that the model gave, for the same cases; one that is none of `labels` counts as a label more.
        conversations: whose case it is, shape (n,).
        labels: their order; those missing are added behind it.

    Raises:
        ValueError: the three differ in length or are empty.
    """
    if not len(right) == len(given) == len(conversations) > 0:
        raise ValueError(
            f"confusion: {len(right)} right and {len(given)} given labels of {len(conversations)} cases; "
            "expected as many of each"
        )
    order = tuple(dict.fromkeys([*labels, *sorted({*right, *given})]))
    place = {label: at for at, label in enumerate(order)}
    whose: dict[Hashable, int] = {}
    at = [whose.setdefault(conversation, len(whose)) for conversation in conversations]
    counts = np.zeros((len(whose), len(order), len(order)))
    np.add.at(counts, (at, [place[label] for label in right], [place[label] for label in given]), 1)
    return Confusion(order, counts)
