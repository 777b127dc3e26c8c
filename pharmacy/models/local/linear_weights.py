"""The arrays of a linear student: which n-grams it knows and what each says for every label."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pharmacy.models.local import weights_file
from pharmacy.models.local.ngrams import counted_ngrams
from pharmacy.models.local.student_fields import Fields


class StudentCard(BaseModel):
    """What is known of a student beside its arrays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node: str
    labels: tuple[str, ...]
    moves: dict[str, tuple[str, ...]] = {}
    """For a student of phases: the labels it was taught in each phase. Empty: every label, always."""

    longest: int
    """Characters of the longest n-gram."""

    scales: dict[str, float]
    """How much a field weighs, by the first word of its name."""

    unknown_idf: float
    """The weight of an n-gram that was not kept; it speaks for no label, but thins out those that do."""

    temperature: float
    """Divides the scores, so that a confidence of 0.9 is right nine times in ten."""

    threshold: float
    """0 to 1: the confidence below which the student hands over, or leaves the phase as it is."""

    mixed_from: float = 1.0
    """0 to 1: the confidence that two parts of a message need to be two matters; at 1 none ever is."""

    examples: int
    families: int
    examples_fingerprint: str
    """12 hex digits over the training file: the same examples give the same weights."""

    words_fingerprint: str
    """12 hex digits over the word kinds it was taught with; it reads no others."""

    cross_validated: dict[str, float]
    """Figures over families left out in turn during training; none of them saw the held-out file."""


@dataclass(frozen=True)
class LinearWeights:
    """A fitted linear model over hashed n-grams."""

    card: StudentCard
    keys: NDArray[np.uint64]
    """Shape (features,), rising."""

    idf: NDArray[np.float32]
    """Shape (features,)."""

    matrix: NDArray[np.float32]
    """Shape (features, labels)."""

    bias: NDArray[np.float32]
    """Shape (labels,)."""

    fingerprint: str
    """12 hex digits over arrays and card."""

    def logits(self, fields: Fields) -> NDArray[np.float32]:
        """Return one score per label, shape (labels,), already divided by the temperature."""
        scores = self.bias.copy()
        for name, text in fields.items():
            at, values = field_values(name, text, self.keys, self.idf, self.card)
            scores += values @ self.matrix[at]
        return scores / np.float32(self.card.temperature)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        card, arrays, fingerprint = weights_file.read(path)
        idf, matrix, bias = (arrays[name].astype(np.float32) for name in ("idf", "matrix", "bias"))
        return cls(StudentCard.model_validate_json(card), arrays["keys"], idf, matrix, bias, fingerprint)

    def save(self, path: Path) -> None:
        """Write arrays and card to one file without pickled objects; the weights as 16-bit floats."""
        halves = {"idf": self.idf.astype(np.float16), "matrix": self.matrix.astype(np.float16)}
        weights_file.write(path, self.card, keys=self.keys, bias=self.bias, **halves)


def field_values(
    name: str, text: str, keys: NDArray[np.uint64], idf: NDArray[np.float32], card: StudentCard
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the places in `keys` that a field's text touches, and at each its damped count times rarity, scaled."""
    if not text:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)
    found = counted_ngrams(text, name, card.longest)
    at = np.minimum(np.searchsorted(keys, found.keys), len(keys) - 1)
    known = keys[at] == found.keys
    weights = (1 + np.log(found.counts)) * np.where(known, idf[at], card.unknown_idf)
    values = card.scales[name.split(" ", 1)[0]] * weights / np.linalg.norm(weights)
    return at[known], values[known].astype(np.float32)
