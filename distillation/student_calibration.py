"""Make a student's confidence honest, and choose from where on it may answer, on families that it did not see."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from distillation.linear_student import Recipe, blank_card, left_out_fits
from evaluation.student_examples import Example
from pharmacy.models.local.linear_weights import LinearWeights, StudentCard
from pharmacy.models.local.opinion import MIXED, Opinion, category_opinion, joined, part_opinions, phase_opinion

_STEPS = np.arange(0.30, 1.0, 0.01).round(2).tolist()
_MIXED_STEPS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def calibrated_card(recipe: Recipe, examples: Sequence[Example], step: Callable[[], None]) -> StudentCard:
    """Return the card of a student of `examples`, with temperature, threshold and what makes two matters."""
    fits = list(left_out_fits(recipe, examples, step))
    card = blank_card(recipe, examples)
    card = card.model_copy(update={"temperature": _temperature(fits, examples, card)})
    if not card.moves:
        card = card.model_copy(update={"mixed_from": _mixed_from(fits, examples, card)})
    opinions = _opinions(fits, examples, card)
    threshold = _threshold(opinions, examples, recipe.precision)
    right = [opinion.label == example.answer for opinion, example in zip(opinions, examples, strict=True)]
    return card.model_copy(
        update={"threshold": threshold, "cross_validated": {"accuracy": round(float(np.mean(right)), 4)}}
    )


def acts(opinion: Opinion, example: Example) -> bool:
    """Return whether an opinion would make the machine do something: answer itself, or change the phase."""
    return opinion.label != (example.phase or MIXED)


def opinion_of(weights: LinearWeights, example: Example) -> Opinion:
    """Return what a student makes of `example`."""
    if example.phase is None:
        return category_opinion(weights, example.text)
    return phase_opinion(weights, example.phase, example.last_reply, example.text)


Fits = Sequence[tuple[LinearWeights, list[int]]]


def _opinions(fits: Fits, examples: Sequence[Example], card: StudentCard) -> list[Opinion]:
    found: dict[int, Opinion] = {}
    for weights, left_out in fits:
        tempered = _tempered(weights, card)
        found.update((at, opinion_of(tempered, examples[at])) for at in left_out)
    return [found[at] for at in range(len(examples))]


def _tempered(weights: LinearWeights, card: StudentCard) -> LinearWeights:
    return replace(weights, card=card.model_copy(update={"unknown_idf": weights.card.unknown_idf}))


def _temperature(fits: Fits, examples: Sequence[Example], card: StudentCard) -> float:
    """Return the divisor of the scores under which the right answers of one-matter messages are likeliest."""
    rows = [
        (_allowed(weights, examples[at], card), card.labels.index(examples[at].answer))
        for weights, left_out in fits
        for at in left_out
        if not examples[at].mixed
    ]
    logits, right = np.array([scores for scores, _ in rows]), np.array([place for _, place in rows])

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        highest = scaled.max(axis=1)
        total = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(right)), right]).mean())

    return round(float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)), 3)


def _allowed(weights: LinearWeights, example: Example, card: StudentCard) -> NDArray[np.float64]:
    logits = weights.logits(example.fields).astype(np.float64)
    if example.phase is not None:
        logits[[label not in card.moves[example.phase] for label in card.labels]] = -np.inf
    return logits


def _mixed_from(fits: Fits, examples: Sequence[Example], card: StudentCard) -> float:
    """Return the confidence of two parts under which most messages get their right category."""
    whole = _opinions(fits, examples, card.model_copy(update={"mixed_from": 2.0}))
    parts = _parts(fits, examples, card)

    def right(mixed_from: float) -> int:
        joint = (joined(one, of_one, mixed_from) for one, of_one in zip(whole, parts, strict=True))
        return sum(opinion.label == example.answer for opinion, example in zip(joint, examples, strict=True))

    return max(_MIXED_STEPS, key=right)


def _parts(fits: Fits, examples: Sequence[Example], card: StudentCard) -> list[list[Opinion]]:
    found: dict[int, list[Opinion]] = {}
    for weights, left_out in fits:
        tempered = _tempered(weights, card)
        found.update((at, part_opinions(tempered, examples[at].text)) for at in left_out)
    return [found[at] for at in range(len(examples))]


def _threshold(opinions: Sequence[Opinion], examples: Sequence[Example], precision: float) -> float:
    """Return the lowest confidence from which on at least `precision` of what the machine would do is right."""
    pairs = zip(opinions, examples, strict=True)
    acted = [
        (opinion.confidence, opinion.label == example.answer) for opinion, example in pairs if acts(opinion, example)
    ]
    for threshold in _STEPS:
        right = [was_right for confidence, was_right in acted if confidence >= threshold]
        if right and np.mean(right) >= precision:
            return float(threshold)
    return 1.0
