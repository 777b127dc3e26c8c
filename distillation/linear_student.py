"""Fit a linear student: the n-grams that are kept, and one weight per n-gram and label."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from evaluation.student_examples import Example, families
from pharmacy.models.local.linear_weights import LinearWeights, StudentCard, field_values
from pharmacy.models.local.ngrams import counted_ngrams
from pharmacy.models.local.word_kinds import words_fingerprint

FOLDS = 5
_SEED = 20


@dataclass(frozen=True)
class Recipe:
    """The choices of one student, each made on the training file by leaving families out in turn."""

    node: str
    longest: int
    """Characters of the longest n-gram."""

    scales: dict[str, float]
    """How much a field weighs, by the first word of its name."""

    strength: float
    """Inverse of the regularisation; larger trusts the examples more."""

    least: int = 2
    """An n-gram of fewer examples is not kept."""

    label_weights: dict[str, float] = field(default_factory=dict)
    """How much an example of a label counts; 1 where nothing is said."""

    precision: float = 0.95
    """The share of given answers that must be right on families left out; the threshold is the lowest that does it."""


def fit(recipe: Recipe, examples: Sequence[Example], card: StudentCard) -> LinearWeights:
    """Return weights fitted on those of `examples` that have one matter, with the calibration that `card` holds."""
    taught = [example for example in examples if not example.mixed]
    keys, idf, unknown_idf = _vocabulary(recipe, taught)
    card = card.model_copy(update={"unknown_idf": unknown_idf})
    counts = {at: recipe.label_weights.get(label, 1.0) for at, label in enumerate(card.labels)}
    model = LogisticRegression(C=recipe.strength, max_iter=1000, tol=1e-4, class_weight=counts)
    model.fit(_rows(taught, keys, idf, card), [card.labels.index(example.answer) for example in taught])
    coefficients, bias = _of_each_label(model)
    matrix = coefficients.T.astype(np.float16).astype(np.float32)
    return LinearWeights(card, keys, idf, matrix, bias.astype(np.float32), fingerprint="")


def _of_each_label(model: LogisticRegression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a row of weights and a bias for each label: of two labels, scikit-learn keeps the second one's alone."""
    if len(model.coef_) > 1:
        return model.coef_, model.intercept_
    return np.vstack([-model.coef_, model.coef_]) / 2, np.concatenate([-model.intercept_, model.intercept_]) / 2


def left_out_fits(
    recipe: Recipe, examples: Sequence[Example], step: Callable[[], None]
) -> Iterator[tuple[LinearWeights, list[int]]]:
    """Yield, for each fold of families, a student fitted without them and the places of their examples."""
    strata = [f"{example.phase}>{example.answer}" for example in examples]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=_SEED)
    for kept, left_out in folds.split(strata, strata, [example.family for example in examples]):
        yield fit(recipe, [examples[at] for at in kept], blank_card(recipe, examples)), left_out.tolist()
        step()


def blank_card(recipe: Recipe, examples: Sequence[Example]) -> StudentCard:
    """Return the card of a student of `examples` that is not yet calibrated."""
    moves: dict[str, set[str]] = {}
    for example in examples:
        if example.phase is not None:
            moves.setdefault(example.phase, set()).add(example.answer)
    return StudentCard(
        node=recipe.node,
        labels=tuple(sorted({example.answer for example in examples})),
        moves={phase: tuple(sorted(answers)) for phase, answers in sorted(moves.items())},
        longest=recipe.longest,
        scales=recipe.scales,
        unknown_idf=1.0,
        temperature=1.0,
        threshold=0.0,
        examples=len(examples),
        families=len(families(examples)),
        examples_fingerprint="",
        words_fingerprint=words_fingerprint(),
        cross_validated={},
    )


def _vocabulary(recipe: Recipe, examples: Sequence[Example]) -> tuple[NDArray[np.uint64], NDArray[np.float32], float]:
    documents: Counter[int] = Counter()
    for example in examples:
        for name, text in example.fields.items():
            if text:
                documents.update(counted_ngrams(text, name, recipe.longest).keys.tolist())
    kept = sorted(key for key, count in documents.items() if count >= recipe.least)
    seen = np.array([documents[key] for key in kept])
    idf = np.log((1 + len(examples)) / (1 + seen)) + 1
    unknown_idf = round(float(np.log((1 + len(examples)) / 2) + 1), 4)
    return np.array(kept, dtype=np.uint64), idf.astype(np.float16).astype(np.float32), unknown_idf


def _rows(
    examples: Sequence[Example], keys: NDArray[np.uint64], idf: NDArray[np.float32], card: StudentCard
) -> csr_matrix:
    columns: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float32]] = []
    ends = [0]
    for example in examples:
        parts = [field_values(name, text, keys, idf, card) for name, text in example.fields.items()]
        columns.extend(at for at, _ in parts)
        values.extend(value for _, value in parts)
        ends.append(ends[-1] + sum(len(at) for at, _ in parts))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(len(examples), len(keys)))
