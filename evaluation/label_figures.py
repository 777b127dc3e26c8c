"""How good a model is at naming a label: agreement, macro-F1, and recall and precision of each label."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.clustered_mean import SHARE, Estimate, estimate, totals
from evaluation.confusion import Confusion, confusion


@dataclass(frozen=True)
class LabelFigures:
    """One model on one set of cases; every interval is of 95% and counts conversations, not cases."""

    agreement: Estimate
    """How often exactly the right label was given, 0 to 1."""

    macro_f1: Estimate
    """The mean over labels of the harmonic mean of recall and precision, 0 to 1: a rare label counts like any."""

    recall: Mapping[str, Estimate]
    """Label to the share of its cases that were given it; not a number where it was never right."""

    precision: Mapping[str, Estimate]
    """Label to the share of the cases given it that were right; not a number where it was never given."""

    confusion: Confusion


def label_figures(
    right: Sequence[str],
    given: Sequence[str],
    conversations: Sequence[Hashable],
    *,
    seed: int,
    labels: Sequence[str] = (),
) -> LabelFigures:
    """Return how good `given` is.

    Args:
        right: one label per case, shape (n,).
        given: the model's labels of the same cases in the same order.
        conversations: whose case it is, shape (n,).
        seed: of the drawing for the interval of `macro_f1`.
        labels: the order in which to show them.

    Raises:
        ValueError: the three differ in length or are empty.
    """
    table = confusion(right, given, conversations, labels)
    hits = [float(one == other) for one, other in zip(right, given, strict=True)]
    return LabelFigures(
        agreement=estimate(totals(hits, conversations)),
        macro_f1=table.estimate(macro_f1, SHARE, seed=seed),
        recall={label: _where(right, label, hits, conversations) for label in table.labels},
        precision={label: _where(given, label, hits, conversations) for label in table.labels},
        confusion=table,
    )


def macro_f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return macro-F1 of each matrix, shape (draws, labels, labels); a label neither right nor given is left out."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    named = counts.sum(axis=1) + counts.sum(axis=2)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(2 * hits / named, axis=1))


def _where(named: Sequence[str], label: str, hits: Sequence[float], conversations: Sequence[Hashable]) -> Estimate:
    at = [place for place, one in enumerate(named) if one == label]
    return estimate(totals([hits[place] for place in at], [conversations[place] for place in at]))
