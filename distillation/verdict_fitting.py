"""Fit, for each criterion of the judge, how likely pharmacists find fault; calibrated on drafts left out in turn."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from pharmacy.models.local.judge_student import one_corrected
from pharmacy.models.local.rubric.material import Verdict
from pharmacy.models.local.verdict_weights import GRAM, CriterionWeights

FOLDS = 5
LEAST = 15
"""Drafts with a fault, and as many without, that a criterion is learnt from at least."""

_LEAST_GRAM = 4
"""A gram of fewer drafts is not kept."""

_STRENGTH = 1.0
_DIGITS = 4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """One draft with the pharmacist's verdict."""

    features: Mapping[str, float]
    rubric: Mapping[str, Verdict]
    bars: Mapping[str, int]
    faults: frozenset[str]
    """Criteria that the pharmacist faulted; empty: the draft was good enough to send."""

    group: str
    """Drafts of one group are never learnt on one side and tried on the other."""

    def told(self, criterion: str) -> bool:
        """Whether the pharmacist's verdict says anything of `criterion`: a fault leaves the other criteria open."""
        return not self.faults or criterion in self.faults

    def passes(self, verdicts: Mapping[str, Verdict]) -> bool:
        """Whether every verdict clears its bar."""
        return all(verdict.mark >= self.bars.get(name, 1) for name, verdict in verdicts.items())


@dataclass(frozen=True)
class Tried:
    """A criterion's model with what its like said of each draft left out."""

    weights: CriterionWeights
    fails: Floats
    """Shape (drafts,), 0 to 1, each from a model that had not seen the draft."""


def fit_criterion(criterion: str, rows: Sequence[Judged]) -> Tried | None:
    """Return the criterion's model; None where too few drafts tell of it, or the rubric alone agrees as often."""
    told = np.array([row.told(criterion) for row in rows])
    faulted = np.array([criterion in row.faults for row in rows])
    if min(int((told & faulted).sum()), int((told & ~faulted).sum())) < LEAST:
        return None
    raw = _left_out(rows, told, faulted)
    curve = LogisticRegression(C=1e3).fit(raw[told, None], faulted[told])
    slope, shift = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    if slope <= 0:
        return None
    fails = 1 / (1 + np.exp(-(slope * raw + shift)))
    vectors, model = _fit([row for row, one in zip(rows, told, strict=True) if one], faulted[told])
    tried = Tried(_weights(vectors, model, slope, shift), fails)
    return tried if _agreement(criterion, rows, told, faulted, fails) > 0 else None


def _left_out(rows: Sequence[Judged], told: NDArray[np.bool_], faulted: NDArray[np.bool_]) -> Floats:
    """Return the log odds of a fault for each draft, from a model of the drafts of other groups."""
    raw = np.zeros(len(rows))
    for kept, left_out in GroupKFold(FOLDS).split(rows, groups=[row.group for row in rows]):
        known = [at for at in kept if told[at]]
        if len(set(faulted[known])) < 2:
            continue
        vectors, model = _fit([rows[at] for at in known], faulted[known])
        raw[left_out] = model.decision_function(vectors.transform([dict(rows[at].features) for at in left_out]))
    return raw


def _fit(rows: Sequence[Judged], faulted: NDArray[np.bool_]) -> tuple[DictVectorizer, LogisticRegression]:
    often = Counter(name for row in rows for name in row.features)
    kept = [
        {n: v for n, v in row.features.items() if not n.startswith(GRAM) or often[n] >= _LEAST_GRAM} for row in rows
    ]
    vectors = DictVectorizer(sparse=True, sort=True)
    model = LogisticRegression(C=_STRENGTH, max_iter=2000, tol=1e-5)
    return vectors, model.fit(vectors.fit_transform(kept), faulted)


def _weights(vectors: DictVectorizer, model: LogisticRegression, slope: float, shift: float) -> CriterionWeights:
    each = zip(vectors.get_feature_names_out(), slope * model.coef_[0], strict=True)
    rounded = {str(name): round(float(weight), _DIGITS) for name, weight in each}
    bias = round(slope * float(model.intercept_[0]) + shift, _DIGITS)
    return CriterionWeights(bias=bias, weights={name: weight for name, weight in rounded.items() if weight})


def _agreement(
    criterion: str, rows: Sequence[Judged], told: NDArray[np.bool_], faulted: NDArray[np.bool_], fails: Floats
) -> int:
    """Return how many more drafts the corrected rubric gets right than the rubric alone."""
    better = 0
    for at in np.flatnonzero(told).tolist():
        bar, verdict = rows[at].bars.get(criterion, 1), rows[at].rubric[criterion]
        after = one_corrected(criterion, verdict, float(fails[at]), bar)
        better += int((after.mark < bar) == faulted[at]) - int((verdict.mark < bar) == faulted[at])
    return better


def agreements(rows: Sequence[Judged], learnt: Mapping[str, Tried]) -> dict[str, float]:
    """Return the share of drafts on which rubric and learnt judge say what the pharmacist said, left out in turn."""

    def share(verdicts_of: Callable[[int], Mapping[str, Verdict]]) -> float:
        right = [row.passes(verdicts_of(at)) == (not row.faults) for at, row in enumerate(rows)]
        return round(float(np.mean(right)), 4)

    def corrected(at: int) -> Mapping[str, Verdict]:
        row = rows[at]
        changed = {
            name: one_corrected(name, row.rubric[name], float(tried.fails[at]), row.bars.get(name, 1))
            for name, tried in learnt.items()
        }
        return {**row.rubric, **changed}

    return {"rubric": share(lambda at: rows[at].rubric), "student": share(corrected)}
