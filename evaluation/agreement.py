"""How far a judge model can be trusted, measured against pharmacists on the same drafts."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.clustered_mean import Estimate, estimate, totals
from evaluation.confusion import Statistic, confusion

Weights = Literal["exact", "linear", "quadratic"]
"""How bad it is to be some steps of a scale apart: all the same, by the steps, or by their square."""


@dataclass(frozen=True)
class JudgeQuality:
    """A judge against pharmacists; every interval is of 95% and counts conversations, not drafts."""

    kappa: Estimate
    """-1 to 1: 1 is full agreement, 0 is what chance alone would give."""

    sensitivity: Estimate
    """Of the drafts that pharmacists accepted, the share that the judge passed, 0 to 1."""

    specificity: Estimate
    """Of the drafts that pharmacists refused, the share that the judge stopped, 0 to 1."""


def judge_quality(
    passed: Sequence[bool], accepted: Sequence[bool], conversations: Sequence[Hashable], *, seed: int
) -> JudgeQuality:
    """Return how good the judge is.

    Args:
        passed: whether the judge let the draft through, shape (n,).
        accepted: whether a pharmacist did, for the same drafts.
        conversations: whose draft it is, shape (n,).
        seed: of the drawing for the interval of `kappa`.

    Raises:
        ValueError: the three differ in length or are empty.
    """
    marks = [str(int(mark)) for mark in passed], [str(int(mark)) for mark in accepted]
    found = kappa(*marks, conversations, scale=("0", "1"), seed=seed)
    good = [at for at, mark in enumerate(accepted) if mark]
    bad = [at for at, mark in enumerate(accepted) if not mark]
    return JudgeQuality(
        kappa=found,
        sensitivity=estimate(totals([float(passed[at]) for at in good], [conversations[at] for at in good])),
        specificity=estimate(totals([float(not passed[at]) for at in bad], [conversations[at] for at in bad])),
    )


def kappa(
    first: Sequence[str],
    second: Sequence[str],
    conversations: Sequence[Hashable],
    *,
    scale: Sequence[str],
    seed: int,
    weights: Weights = "exact",
) -> Estimate:
    """Return the chance-corrected agreement of two raters, with its interval.

    Args:
        first: one mark per case, each one of `scale`, shape (n,).
        second: the other rater's marks of the same cases.
        conversations: whose case it is, shape (n,).
        scale: all marks, from the lowest to the highest.
        seed: of the drawing for the interval.
        weights: what a disagreement costs.

    Raises:
        ValueError: the three differ in length or are empty, or a mark is not on the scale.

    Source: J. Cohen, "A Coefficient of Agreement for Nominal Scales" (1960); with weights, "Weighted Kappa" (1968).
    scikit-learn has the same number without an interval, and is not needed where nothing is trained.
    """
    table = confusion(first, second, conversations, scale)
    if len(table.labels) > len(scale):
        raise ValueError(f"kappa: the mark {table.labels[len(scale)]!r} is none of {[*scale]}")
    return table.estimate(_kappa(_costs(len(scale), weights)), (-1.0, 1.0), seed=seed)


def _costs(many: int, weights: Weights) -> NDArray[np.float64]:
    apart = np.abs(np.subtract.outer(np.arange(many), np.arange(many))).astype(np.float64)
    return {"exact": (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]


def _kappa(costs: NDArray[np.float64]) -> Statistic:
    def of(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        all_of = counts.sum(axis=(1, 2))
        by_chance = counts.sum(axis=2)[:, :, None] * counts.sum(axis=1)[:, None, :] / all_of[:, None, None]
        # Both give one and the same mark always: nothing to agree on by more than chance.
        with np.errstate(invalid="ignore"):
            return np.asarray(1 - (counts * costs).sum(axis=(1, 2)) / (by_chance * costs).sum(axis=(1, 2)))

    return of
