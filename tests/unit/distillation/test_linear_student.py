"""A linear student has weights for each of its labels, however few they are."""

import numpy as np
import pytest

from distillation.linear_student import blank_card, fit
from distillation.student_calibration import calibrated_card
from distillation.train_local import RECIPES
from evaluation.student_examples import Example
from pharmacy.models.local.student_fields import classify_fields

SAID = {
    "order_delivery": "荷物{}はいつ届きますか",
    "follow_up": "飲み始めて{}日で楽になりました",
    "product_usage": "食前に{}包飲みますか",
}
RECIPE = next(recipe for recipe in RECIPES if recipe.node == "classify")


def examples(labels: list[str]) -> list[Example]:
    said = [(label, SAID[label].format(number)) for label in labels for number in range(10)]
    return [Example(text, label, text, classify_fields(text)) for label, text in said]


@pytest.mark.parametrize("labels", [["order_delivery", "follow_up"], [*SAID]], ids=["two", "three"])
def test_each_label_has_its_own_score_and_the_right_one_is_the_highest(labels: list[str]) -> None:
    learnt = examples(labels)

    weights = fit(RECIPE, learnt, calibrated_card(RECIPE, learnt, lambda: None))

    scores = np.array([weights.logits(example.fields) for example in learnt])
    assert scores.shape == (len(learnt), len(labels))
    assert [weights.card.labels[at] for at in scores.argmax(axis=1)] == [example.answer for example in learnt]


def test_a_student_of_two_labels_is_as_sure_as_what_it_was_fitted_by() -> None:
    learnt = examples(["order_delivery", "follow_up"])

    weights = fit(RECIPE, learnt, blank_card(RECIPE, learnt))

    first, second = weights.logits(learnt[0].fields)
    assert first == pytest.approx(-second, abs=1e-3)
