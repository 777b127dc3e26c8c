"""What came of an evaluation: each candidate's figures, and each against the first, with intervals everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.agreement import judge_quality
from evaluation.cases import LABEL_FIELDS, Case
from evaluation.clustered_mean import Estimate, Totals, estimate, totals
from evaluation.corrected_rate import CorrectedRate
from evaluation.grading import metric_of
from evaluation.judge_errors import JUDGE, JudgeErrors, corrected
from evaluation.label_figures import LabelFigures, label_figures
from evaluation.paired import Difference, difference
from pharmacy.storage.evaluations import AnswerRow

SEED = 20261123
"""Of the drawing for intervals; the same answers give the same figures."""


@dataclass(frozen=True)
class CandidateFigures:
    """One candidate on its cases."""

    candidate: str
    scores: Mapping[str, Estimate]
    """Measure to mean with its 95% interval over conversations."""

    labels: LabelFigures | None
    """For a node that names a label."""

    kappa: Estimate | None
    """For the judge: its agreement with pharmacists on whether a draft may go out, -1 to 1, chance taken out."""

    corrected: CorrectedRate | None
    """The pass rate with the judge's errors taken out; None where nobody has measured those, or no draft was marked."""

    unreadable: int
    """Cases on which no readable answer came."""

    cost_usd: float | None
    """Of one case, on average; None where a price is unknown."""

    judging_usd: float | None
    prompt_tokens: float
    """Of one case, on average."""

    cached_tokens: float
    completion_tokens: float
    seconds_p50: float
    seconds_p95: float


@dataclass(frozen=True)
class Regression:
    """A case that the first candidate had right and another has wrong."""

    row: str
    """The row's id in its dataset."""

    place: int
    category: str
    phase: str
    critical: bool
    right: str | None
    first: Any
    """What the first said: its label, or the criteria that its draft missed."""

    other: Any


@dataclass(frozen=True)
class Comparison:
    """A candidate held against the first, on the cases that both answered."""

    candidate: str
    differences: Mapping[str, Difference]
    """Measure to how much better the candidate is than the first."""

    regressions: Sequence[Regression]
    """The critical ones first."""

    improvements: int
    """Cases that the first had wrong and the candidate has right."""


@dataclass(frozen=True)
class Figures:
    """All of an evaluation."""

    node: str
    metric: str
    candidates: Sequence[CandidateFigures]
    comparisons: Sequence[Comparison]
    cases: int
    pharmacist_labels: int
    """Cases whose right answer a person said."""


def figures(
    node: str, cases: Sequence[Case], answers: Sequence[AnswerRow], order: Sequence[str],
    errors: JudgeErrors | None = None,
) -> Figures:  # fmt: skip
    """Return the figures of `answers`.

    Args:
        order: the candidates; the first is the one that the others are held against.
        errors: how often the judge that marked them errs, where that is known.
    """
    by = {name: {row.place: row for row in answers if row.candidate == name} for name in order}
    known = {case.row.place: case for case in cases}
    asked = {place for rows in by.values() for place in rows if place in known}
    first = by[order[0]]
    return Figures(
        node, metric_of(node),
        [_candidate(node, name, known, rows, errors) for name, rows in by.items()],
        [compared(node, name, known, first, by[name]) for name in order[1:]],
        len(asked), sum(known[place].by_pharmacist for place in asked),
    )  # fmt: skip


def paired_scores(
    measure: str, cases: Mapping[int, Case], first: Mapping[int, AnswerRow], other: Mapping[int, AnswerRow]
) -> tuple[list[float], list[float], list[str]]:
    """Return the scores of `other` and of `first`, and the conversations, of the cases that both were scored on."""
    both = sorted(
        place for place in first.keys() & other.keys() & cases.keys()
        if measure in first[place].scores and measure in other[place].scores
    )  # fmt: skip
    return (
        [other[place].scores[measure] for place in both],
        [first[place].scores[measure] for place in both],
        [cases[place].row.conversation_id for place in both],
    )


def compared(
    node: str, name: str, cases: Mapping[int, Case], first: Mapping[int, AnswerRow], other: Mapping[int, AnswerRow]
) -> Comparison:
    """Return `other` held against `first`."""
    metric, measures = metric_of(node), {measure for row in other.values() for measure in row.scores}
    found = {}
    for measure in sorted(measures, key=lambda one: (one != metric, one)):
        mine, theirs, conversations = paired_scores(measure, cases, first, other)
        if mine:
            found[measure] = difference(mine, theirs, conversations)
    both = sorted(first.keys() & other.keys() & cases.keys())
    worse = [place for place in both if first[place].scores.get(metric) == 1 and other[place].scores.get(metric) == 0]
    better = [place for place in both if first[place].scores.get(metric) == 0 and other[place].scores.get(metric) == 1]
    told = [_regression(cases[place], first[place], other[place]) for place in worse]
    return Comparison(name, found, sorted(told, key=lambda one: (not one.critical, one.place)), len(better))


def _candidate(
    node: str, name: str, cases: Mapping[int, Case], rows: Mapping[int, AnswerRow], errors: JudgeErrors | None
) -> CandidateFigures:
    there = [(cases[place], row) for place, row in sorted(rows.items()) if place in cases]
    measures = sorted({measure for _, row in there for measure in row.scores})
    seconds = [row.seconds for _, row in there] or [float("nan")]
    return CandidateFigures(
        candidate=name,
        scores={measure: _estimate(measure, there) for measure in measures},
        labels=_labels(there) if node in LABEL_FIELDS and there else None,
        kappa=_kappa(there) if node == JUDGE and there else None,
        corrected=corrected(_totals("pass_rate", there), errors) if errors and there else None,
        unreadable=sum(row.error is not None for _, row in there),
        cost_usd=_mean_cost([row.cost_usd for _, row in there]),
        judging_usd=_mean_cost([row.judging_usd for _, row in there]),
        prompt_tokens=_mean([row.prompt_tokens for _, row in there]),
        cached_tokens=_mean([row.cached_tokens for _, row in there]),
        completion_tokens=_mean([row.completion_tokens for _, row in there]),
        seconds_p50=float(np.quantile(seconds, 0.5)),
        seconds_p95=float(np.quantile(seconds, 0.95)),
    )


def _estimate(measure: str, there: Sequence[tuple[Case, AnswerRow]]) -> Estimate:
    return estimate(_totals(measure, there))


def _totals(measure: str, there: Sequence[tuple[Case, AnswerRow]]) -> Totals:
    of = [(row.scores[measure], case.row.conversation_id) for case, row in there if measure in row.scores]
    return totals([score for score, _ in of], [whose for _, whose in of])


def _labels(there: Sequence[tuple[Case, AnswerRow]]) -> LabelFigures:
    given = [row.said.get("label") or "(none)" for _, row in there]
    return label_figures(
        [str(case.label) for case, _ in there], given, [case.row.conversation_id for case, _ in there], seed=SEED
    )


def _kappa(there: Sequence[tuple[Case, AnswerRow]]) -> Estimate:
    accepted = [bool(case.accepted) for case, _ in there]
    passed = [said == (row.scores["verdict_agreement"] == 1) for said, (_, row) in zip(accepted, there, strict=True)]
    whose = [case.row.conversation_id for case, _ in there]
    return judge_quality(passed, accepted, whose, seed=SEED).kappa


def _regression(case: Case, first: AnswerRow, other: AnswerRow) -> Regression:
    right = case.label if case.label is not None else None
    return Regression(case.id, case.row.place, case.category, case.phase, case.row.row["critical"], right,
                      _told(first), _told(other))  # fmt: skip


def _told(answer: AnswerRow) -> Any:
    if answer.error is not None:
        return answer.error
    if "label" in answer.said:
        return answer.said["label"]
    missed = sorted(name for name, score in answer.scores.items() if score == 0 and name.startswith("criterion"))
    return missed or {name: mark["mark"] for name, mark in answer.said.get("marks", {}).items()}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _mean_cost(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return _mean(known) if len(known) == len(costs) and costs else None
