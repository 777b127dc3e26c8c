"""`python -m distillation.train_local`: train the local students anew from the shipped examples."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from distillation.linear_student import FOLDS, Recipe, fit
from distillation.student_calibration import calibrated_card
from evaluation.student_examples import examples_fingerprint, read_examples
from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.student import WEIGHTS
from pharmacy.models.local.word_kinds import words_fingerprint

RECIPES = (
    # What is left to pharmacists is many small subjects: at full weight they pull in whatever shares words with one.
    Recipe(
        "classify", longest=3, scales={"text": 1.0, "kinds": 1.6}, strength=5, label_weights={"pharmacist_only": 0.6}
    ),
    Recipe("switch_phase", longest=3, scales={"text": 1.0, "kinds": 1.0, "reply": 0.8}, strength=10),
)


def main() -> int:
    """Write the weights, or with --check say whether the committed ones are what the examples give."""
    arguments = _arguments()
    differ = []
    with Progress(console=Console(stderr=True)) as progress:
        recipes = [recipe for recipe in RECIPES if arguments.node in (None, recipe.node)]
        tasks = {recipe.node: progress.add_task(recipe.node, total=FOLDS + 1) for recipe in recipes}
        for recipe in recipes:
            path = arguments.folder / f"{recipe.node}.npz"
            if arguments.check and other_examples(recipe, path):
                differ.append(recipe.node)
                continue
            trained = train(recipe, lambda node=recipe.node: progress.advance(tasks[node]))  # type: ignore[misc]
            if not arguments.check:
                trained.save(path)
            elif not same(trained, LinearWeights.load(path)):
                differ.append(recipe.node)
    for node in differ:
        sys.stderr.write(f"{node}: the weights are not what its examples give; expected the same: run make students\n")
    return 1 if differ else 0


def train(recipe: Recipe, step: Callable[[], None] = lambda: None) -> LinearWeights:
    """Return the student that `recipe` and the shipped examples give; `step` is called after each of its fits."""
    examples = read_examples(recipe.node, "train")
    card = calibrated_card(recipe, examples, step)
    trained = fit(recipe, examples, card.model_copy(update={"examples_fingerprint": examples_fingerprint(recipe.node)}))
    step()
    return trained


def other_examples(recipe: Recipe, path: Path) -> bool:
    """Return whether the weights at `path` say themselves that they come of another recipe, examples or word kinds."""
    card = LinearWeights.load(path).card
    now = (recipe.node, recipe.longest, recipe.scales, examples_fingerprint(recipe.node), words_fingerprint())
    return now != (card.node, card.longest, card.scales, card.examples_fingerprint, card.words_fingerprint)


def same(one: LinearWeights, other: LinearWeights) -> bool:
    """Return whether two students are one, but for the last digits that another processor may round otherwise."""
    return bool(
        one.card.model_copy(update=_ROUNDED) == other.card.model_copy(update=_ROUNDED)
        and np.isclose(one.card.temperature, other.card.temperature, rtol=0.01)
        and abs(one.card.threshold - other.card.threshold) <= 0.01
        and np.array_equal(one.keys, other.keys)
        and np.allclose(one.idf, other.idf, rtol=0.01)
        and np.allclose(one.bias, other.bias, atol=0.02)
        and np.allclose(one.matrix, other.matrix, atol=0.02)
    )


_ROUNDED: dict[str, object] = {"temperature": 0.0, "threshold": 0.0, "cross_validated": {}, "unknown_idf": 0.0}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m distillation.train_local", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if the weights would differ")
    parser.add_argument("--node", choices=[recipe.node for recipe in RECIPES], help="this student only")
    parser.add_argument(
        "--folder", type=Path, default=WEIGHTS, help="where the weights stand (default: the served ones)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
