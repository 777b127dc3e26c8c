"""The committed students are what their examples give, and a student of other examples is another."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distillation.linear_student import Recipe, blank_card, fit
from distillation.student_calibration import calibrated_card
from distillation.train_local import RECIPES, other_examples, same
from evaluation.student_examples import Example, examples_fingerprint, read_examples
from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.student import WEIGHTS
from pharmacy.models.local.student_fields import classify_fields


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.node)
def test_the_shipped_examples_give_the_committed_weights(recipe: Recipe) -> None:
    committed = LinearWeights.load(WEIGHTS / f"{recipe.node}.npz")

    anew = fit(recipe, read_examples(recipe.node, "train"), committed.card)

    assert committed.card.examples_fingerprint == examples_fingerprint(recipe.node)
    assert same(anew, committed)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.node)
def test_the_committed_card_states_the_recipe(recipe: Recipe) -> None:
    card = LinearWeights.load(WEIGHTS / f"{recipe.node}.npz").card

    assert (card.longest, card.scales) == (recipe.longest, recipe.scales)
    assert card.labels == blank_card(recipe, read_examples(recipe.node, "train")).labels


def test_other_weights_are_not_the_same() -> None:
    committed = LinearWeights.load(WEIGHTS / "classify.npz")

    moved = replace(committed, matrix=committed.matrix + np.float32(0.1))

    assert not same(moved, committed)
    assert not same(replace(committed, card=committed.card.model_copy(update={"threshold": 0.1})), committed)


def test_training_twice_gives_the_same_student() -> None:
    examples = _examples()

    one, other = (fit(_RECIPE, examples, blank_card(_RECIPE, examples)) for _ in range(2))

    assert same(one, other)
    assert np.array_equal(one.matrix, other.matrix)


def test_words_that_say_nothing_lower_the_confidence_and_raise_the_threshold() -> None:
    clear, blurred = _examples(), _examples(share_of_noise=0.4)

    sure, unsure = (calibrated_card(_RECIPE, examples, lambda: None) for examples in (clear, blurred))

    assert sure.cross_validated["accuracy"] > unsure.cross_validated["accuracy"]
    assert sure.threshold < unsure.threshold


def test_a_message_of_two_matters_is_not_taught() -> None:
    examples = _examples()
    both = Example("荷物と味", "pharmacist_only", "pharmacist_only.mixed_x", classify_fields("荷物と味"))

    with_both = fit(_RECIPE, [*examples, both], blank_card(_RECIPE, examples))

    assert np.array_equal(with_both.matrix, fit(_RECIPE, examples, blank_card(_RECIPE, examples)).matrix)


def test_the_check_ends_with_1_and_names_a_student_of_other_examples(tmp_path: Path) -> None:
    weights = LinearWeights.load(WEIGHTS / "classify.npz")
    replace(weights, card=weights.card.model_copy(update={"examples_fingerprint": "0" * 12})).save(
        tmp_path / "classify.npz"
    )

    run = subprocess.run(
        [sys.executable, "-m", "distillation.train_local", "--check", "--folder", tmp_path, "--node", "classify"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 1
    assert "classify: the weights are not what its examples give" in run.stderr


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.node)
def test_the_committed_students_name_the_examples_and_word_kinds_they_come_of(recipe: Recipe) -> None:
    assert not other_examples(recipe, WEIGHTS / f"{recipe.node}.npz")


_RECIPE = Recipe("classify", longest=2, scales={"text": 1.0, "kinds": 0.7}, strength=10)


def _examples(share_of_noise: float = 0.0) -> list[Example]:
    """Return forty small families: parcels, tastes, and whatever is for a pharmacist."""
    words = {"order_delivery": "荷物", "product_usage": "味", "pharmacist_only": "取材"}
    draw = np.random.default_rng(3)
    made = []
    for family in range(40):
        answer = [*words][family % 3]
        for place in range(6):
            word = draw.choice([*words.values()]) if draw.random() < share_of_noise else words[answer]
            text = f"{word}について{family}番の{'あいうえおか'[place]}"
            made.append(Example(text, answer, f"{answer}.{family}", classify_fields(text)))
    return made
