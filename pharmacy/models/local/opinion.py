"""What a linear student makes of a message, before its threshold: a label, and how sure it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.student_fields import classify_fields, matters, phase_fields

MIXED = "pharmacist_only"
"""The category of a message with two matters, and of one that the student is not sure of."""


@dataclass(frozen=True)
class Opinion:
    """The surest label."""

    label: str
    confidence: float
    """0 to 1."""

    mixed: tuple[str, ...] = ()
    """The categories of a message's parts, when they are two or more; the label is then `MIXED`."""


def category_opinion(weights: LinearWeights, text: str) -> Opinion:
    """Return the category of `text`; parts that speak surely of different categories make it mixed."""
    card = weights.card
    whole = surest(confidences(weights.logits(classify_fields(text)), card.labels))
    return joined(whole, part_opinions(weights, text), card.mixed_from)


def part_opinions(weights: LinearWeights, text: str) -> list[Opinion]:
    """Return the category of each part of `text`; none when it has one part only."""
    parts = matters(text)
    if len(parts) < 2:
        return []
    return [surest(confidences(weights.logits(classify_fields(part)), weights.card.labels)) for part in parts]


def phase_opinion(weights: LinearWeights, phase: str, last_reply: str, text: str) -> Opinion:
    """Return the phase to be in after `text`, among those that the student was taught in `phase`."""
    may = weights.card.moves[phase]
    at = [weights.card.labels.index(label) for label in may]
    return surest(confidences(weights.logits(phase_fields(phase, last_reply, text))[at], may))


def joined(whole: Opinion, parts: Iterable[Opinion], mixed_from: float) -> Opinion:
    """Return `whole`, or a mixed opinion when two parts reach the confidence `mixed_from` in different categories."""
    sure: dict[str, float] = {}
    for part in parts:
        if part.confidence >= mixed_from and part.label != MIXED:
            sure[part.label] = max(part.confidence, sure.get(part.label, 0.0))
    if len(sure) < 2:
        return whole
    return Opinion(MIXED, sorted(sure.values())[-2], tuple(sure))


def confidences(logits: NDArray[np.floating], labels: Sequence[str]) -> Mapping[str, float]:
    """Return label to confidence, summing to 1, from one score per label."""
    shares = np.exp(logits - logits.max())
    return dict(zip(labels, (shares / shares.sum()).tolist(), strict=True))


def surest(confidence: Mapping[str, float]) -> Opinion:
    """Return the label of the highest confidence."""
    label = max(confidence, key=lambda name: confidence[name])
    return Opinion(label, confidence[label])
