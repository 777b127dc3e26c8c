"""How many held-out cases it takes to see that a student is no worse, were it truly as good as its teacher."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

import numpy as np
from scipy.special import ndtri

from evaluation.clustered_mean import row_variance_if
from evaluation.paired import Difference

POWER = 0.80
"""How often a student that is truly as good must pass."""

ENOUGH_SEEN = 20
"""Conversations with a case on which the two differ, from which on what was seen stands for itself."""

Basis = Literal["seen", "assumed"]


@dataclass(frozen=True)
class Assumed:
    """What is taken to be so before anything was seen."""

    discordance: float
    """The share of cases on which just one of the two is right, 0 to 1."""

    design_effect: float
    """How many times the variance is that of as many unrelated cases, 1 or more."""

    conversation_cases: float
    """How many cases the conversation of an average case has, 1 or more."""


@dataclass(frozen=True)
class RowsNeeded:
    """How many cases are wanted, and what that rests on."""

    rows: int
    """All cases wanted."""

    more: int
    """Those not there yet; 0 when there are enough."""

    rests_on: Basis
    """Whether discordance and correlation were measured on these cases, or taken from the plan."""


def rows_needed(
    seen: Difference | None, assumed: Assumed, *, margin: float, confidence: float, least: int = 0
) -> RowsNeeded:
    """Return how many cases let an equally good student pass in `POWER` of all such sets.

    Args:
        seen: the comparison on the cases there are; None when there are none.
        assumed: stands in while fewer than `ENOUGH_SEEN` conversations tell the two apart.
        margin: how much worse the student may be, above 0 and below 1.
        confidence: of the one-sided bound.
        least: the plan's minimum of cases, asked for in any case.

    Source: the sample size of a non-inferiority test of paired shares (Nam, "Establishing equivalence of two treatments
    and sample size requirements in matched-pairs design", 1997), with variances by conversation and the imagined lost
    conversation of `clustered_mean` in the mean.
    """
    if seen is not None and int((seen.seen.sums != 0).sum()) >= ENOUGH_SEEN:
        sizes = seen.seen.sizes
        rows = _rows(
            seen.seen.row_variance,
            row_variance_if(seen.seen, seen.mean - margin),
            float(np.sum(sizes**2) / np.sum(sizes)),
            margin,
            confidence,
        )
        return _needed(rows, least, seen.rows, "seen")
    variance = assumed.discordance * assumed.design_effect
    # Were the student at the margin, the two would differ that often at least.
    at_margin = variance * max(1.0, margin / assumed.discordance)
    rows = _rows(variance, at_margin, assumed.conversation_cases, margin, confidence)
    return _needed(rows, least, seen.rows if seen else 0, "assumed")


def _rows(variance: float, at_margin: float, lost: float, margin: float, confidence: float) -> float:
    spread = float(ndtri(confidence)) * sqrt(at_margin) + float(ndtri(POWER)) * sqrt(variance)
    return ((spread + sqrt(spread**2 + 4 * margin * lost)) / (2 * margin)) ** 2


def _needed(rows: float, least: int, there: int, rests_on: Basis) -> RowsNeeded:
    wanted = max(ceil(rows), least)
    return RowsNeeded(wanted, max(0, wanted - there), rests_on)
