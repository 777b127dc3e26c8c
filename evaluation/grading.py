"""Hold one answer against what is right: measure by measure, 0 or 1; what a case does not speak of is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.cases import LABEL_FIELDS, Case
from pharmacy.domain.flow import Flow
from pharmacy.domain.judgement import Judgement

METRICS = {"classify": "exact_agreement", "switch_phase": "exact_agreement", "judge": "verdict_agreement"}
"""Node to what it is measured by; every generator by `pass_rate`."""


@dataclass(frozen=True)
class Graded:
    """What an answer is worth."""

    scores: Mapping[str, float]
    said: Mapping[str, Any] = field(default_factory=dict)
    """The label given, or marks and reasons."""


def metric_of(node: str) -> str:
    """Return the one measure that a node is gated by."""
    return METRICS.get(node, "pass_rate")


def unanswered(node: str, case: Case, flow: Flow) -> Graded:
    """Return what no readable answer is worth: it fails in every measure that speaks of what was answered.

    A generator that writes no draft endangers nobody by it, so the criteria say nothing of it.
    """
    if node in LABEL_FIELDS:
        return grade_label(node, case, None, flow)
    return Graded(dict.fromkeys(_of_verdict(case), 0.0) if node == "judge" else {"pass_rate": 0.0})


def grade_label(node: str, case: Case, given: str | None, flow: Flow) -> Graded:
    """Return what a label is worth.

    `sensitivity(L)` speaks of the cases of label L alone, `specificity(L)` of all others.
    """
    labels = flow.categories if node == "classify" else flow.phases
    right = float(given == case.label)
    scores = {"exact_agreement": right, f"sensitivity({case.label})": right}
    others = {f"specificity({label})": float(given not in (label, None)) for label in labels if label != case.label}
    return Graded(scores | others, {"label": given})


def grade_verdict(case: Case, verdict: Judgement) -> Graded:
    """Return what a judge's verdict is worth, held against the pharmacist's decision on the same draft."""
    right = float(verdict.clears == case.accepted)
    return Graded(dict.fromkeys(_of_verdict(case), right), marks(verdict))


def grade_draft(verdict: Judgement, flow: Flow) -> Graded:
    """Return what a draft is worth by its judge's verdict; one that the output gate blocks fails every criterion."""
    cleared = {
        f"criterion({name})": float(not verdict.blocked and verdict.marks[name].mark >= criterion.bar)
        for name, criterion in flow.criteria.items()
    }
    return Graded({"pass_rate": float(verdict.clears)} | cleared, marks(verdict))


def marks(verdict: Judgement) -> dict[str, Any]:
    """Return a verdict as it is kept."""
    told = {name: {"mark": mark.mark, "reason": mark.reason} for name, mark in verdict.marks.items()}
    return {"marks": told, "blocked": [*verdict.blocked]}


def _of_verdict(case: Case) -> tuple[str, str]:
    return "verdict_agreement", "sensitivity" if case.accepted else "specificity"
