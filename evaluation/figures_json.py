"""Figures as JSON, for `--json`, for the record, and for the console's pages; no patient's word is in it."""

import math
from typing import Any

from evaluation.clustered_mean import Estimate
from evaluation.figures import CandidateFigures, Comparison, Figures
from evaluation.label_figures import LabelFigures
from evaluation.paired import Difference

MOST_REGRESSIONS = 200
"""That are kept with the figures; the answers themselves have all."""


def figures_json(of: Figures) -> dict[str, Any]:
    """Return all of it."""
    return {
        "node": of.node, "metric": of.metric, "cases": of.cases, "pharmacist_labels": of.pharmacist_labels,
        "comparisons": [_comparison(one) for one in of.comparisons],
        "candidates": [_candidate(one) for one in of.candidates],
    }  # fmt: skip


def estimate_json(of: Estimate) -> dict[str, Any]:
    """Return a mean with its interval; a mean of nothing is null."""
    return {"value": _number(of.value), "low": _number(of.low), "high": _number(of.high), "rows": of.rows}


def difference_json(of: Difference) -> dict[str, Any]:
    """Return how much better the one is, with its interval."""
    return {"mean": of.mean, "low": of.low, "high": of.high, "confidence": of.confidence, "first": of.second_mean,
            "candidate": of.first_mean, "rows": of.rows, "conversations": of.conversations,
            "discordance": of.discordance, "design_effect": of.design_effect}  # fmt: skip


def _comparison(of: Comparison) -> dict[str, Any]:
    return {
        "candidate": of.candidate,
        "regressions": [vars(one) for one in of.regressions[:MOST_REGRESSIONS]],
        "regression_count": len(of.regressions), "improvement_count": of.improvements,
        "differences": {measure: difference_json(one) for measure, one in of.differences.items()},
    }  # fmt: skip


def _candidate(of: CandidateFigures) -> dict[str, Any]:
    plain = ("unreadable", "cost_usd", "judging_usd", "prompt_tokens", "cached_tokens", "completion_tokens",
             "seconds_p50", "seconds_p95")  # fmt: skip
    return {
        "candidate": of.candidate,
        "scores": {measure: estimate_json(one) for measure, one in of.scores.items()},
        "labels": _labels(of.labels) if of.labels else None,
        "kappa": estimate_json(of.kappa) if of.kappa else None,
        "corrected": vars(of.corrected) if of.corrected else None,
        **{name: _number(getattr(of, name)) for name in plain},
    }


def _labels(of: LabelFigures) -> dict[str, Any]:
    return {
        "macro_f1": estimate_json(of.macro_f1),
        "recall": {label: estimate_json(one) for label, one in of.recall.items()},
        "precision": {label: estimate_json(one) for label, one in of.precision.items()},
        "confusion": {"labels": [*of.confusion.labels], "counts": of.confusion.matrix.astype(int).tolist()},
    }


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
