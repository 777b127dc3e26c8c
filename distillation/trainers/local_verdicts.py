"""Fit a student of the judge: the rubric, corrected by the pharmacists' verdicts on drafts."""

import hashlib
import json
from collections.abc import Mapping

from distillation.trainers.fitted import Fitted
from distillation.trainers.port import Order, Told, TrainerRefused
from distillation.trainers.under_prompt import NodePrompt
from distillation.verdict_fitting import LEAST, Judged, agreements, fit_criterion
from pharmacy.models.local.judge import RUBRIC
from pharmacy.models.local.rubric.material import Material
from pharmacy.models.local.verdict_weights import VerdictCard, VerdictWeights, features_of
from pharmacy.settings import Settings


def fit_verdicts(order: Order, settings: Settings, told: Told) -> Fitted:
    """Return the student of the order's rows.

    Raises:
        ConfigError: a row stands under other words than the node's prompt.
        TrainerRefused: a row cannot be read, or no criterion can be learnt better than the rubric has it.
    """
    blanks = NodePrompt.of(order.node, settings).check(order.train)
    rows = []
    for number, (row, of) in enumerate(zip(order.train.rows, blanks, strict=True), 1):
        rows.append(_judged(f"{order.train.path}:{number}", of, row.answer))
    told(f"learning {len(rows)} verdicts, {sum(bool(row.faults) for row in rows)} of them with a fault")
    tried = {name: found for name in sorted(RUBRIC) if (found := fit_criterion(name, rows)) is not None}
    if not tried:
        raise TrainerRefused(
            f"{order.train.path}: no criterion is learnt: expected {LEAST} drafts or more with a fault by one of them, "
            "and that the rubric alone agrees less often"
        )
    figures = agreements(rows, tried)
    card = VerdictCard(
        node=order.node, criteria={name: one.weights for name, one in tried.items()}, rows=len(rows),
        rows_fingerprint=order.train.sha256[:12], cross_validated=figures,
    )  # fmt: skip
    said = f"{len(rows)} verdicts; {figures['student']:.1%} agree on drafts left out, by the rubric alone"
    return Fitted(VerdictWeights(card), f"{said} {figures['rubric']:.1%}; learnt: {', '.join(tried)}")


def _judged(place: str, blanks: Mapping[str, str], answer: str) -> Judged:
    try:
        bars = {each["name"]: int(each["bar"]) for each in json.loads(blanks["criteria"])}
        marks = {name: int(verdict["mark"]) for name, verdict in json.loads(answer).items()}
        material = Material.read(blanks)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainerRefused(
            f"{place}: {type(error).__name__}; expected a draft, its criteria and a mark for each"
        ) from None
    rubric = {name: criterion(material) for name, criterion in RUBRIC.items()}
    faults = frozenset(name for name, bar in bars.items() if marks.get(name, bar) < bar)
    group = hashlib.sha256(f"{material.asked}\0{material.draft}".encode()).hexdigest()
    return Judged(features_of(material, rubric), rubric, bars, faults, group)
