"""Fit a student of labels: a linear model over character n-grams, beside the shipped examples or alone."""

from distillation.linear_student import FOLDS, fit
from distillation.student_calibration import calibrated_card
from distillation.train_local import RECIPES
from distillation.trainers.fitted import Fitted
from distillation.trainers.local_rows import common, examples_of, rare
from distillation.trainers.port import Order, Told, TrainerRefused
from distillation.trainers.under_prompt import NodePrompt
from evaluation.student_examples import read_examples
from pharmacy.settings import Settings


def fit_labels(order: Order, settings: Settings, told: Told) -> Fitted:
    """Return the student of the order's rows.

    Raises:
        ConfigError: a row stands under other words than the node's prompt.
        TrainerRefused: too few answers are there to tell apart.
    """
    learnt = examples_of(NodePrompt.of(order.node, settings), order.train)
    shipped = read_examples(order.node, "train") if order.base == f"local:{order.node}" else []
    for said in rare([*shipped, *learnt]):
        told(said)
    examples = common([*shipped, *learnt])
    if len({example.answer for example in examples}) < 2:
        raise TrainerRefused(f"{order.train.path}: fewer than two answers stand there {FOLDS} times or more")
    recipe = next(recipe for recipe in RECIPES if recipe.node == order.node)
    told(f"learning {len(examples)} examples, {len(shipped)} of them shipped")
    card = calibrated_card(recipe, examples, lambda: told("one part of five was left out in turn"))
    weights = fit(recipe, examples, card.model_copy(update={"examples_fingerprint": order.train.sha256[:12]}))
    right = card.cross_validated["accuracy"]
    said = f"{len(examples)} examples; {right:.1%} right on parts left out, answers from {card.threshold:.2f} on"
    return Fitted(weights, said)
