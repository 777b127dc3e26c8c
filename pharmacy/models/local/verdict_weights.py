"""What a judge that was trained here has learnt: for each criterion, what speaks for and against a draft."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from pharmacy.models.local import weights_file
from pharmacy.models.local.rubric.material import Material, Verdict, is_question
from pharmacy.models.local.rubric.safety import gives_advice
from pharmacy.models.local.wording import asks, grams, without_greetings

_BEST = 5
_QUOTED = re.compile("「[^」]*」|[0-9]+")
_HASH_BYTES = 6
GRAM = "gram."


class CriterionWeights(BaseModel):
    """A calibrated logistic model of one criterion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bias: float
    weights: Mapping[str, float]
    """Feature to what it adds to the log odds of failing."""

    def fails(self, features: Mapping[str, float]) -> float:
        """Return how likely pharmacists find fault by this criterion, 0 to 1."""
        odds = self.bias + sum(value * self.weights.get(name, 0.0) for name, value in features.items())
        return 1 / (1 + math.exp(-max(min(odds, 50.0), -50.0)))


class VerdictCard(BaseModel):
    """Everything that the judge was taught."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node: str
    criteria: Mapping[str, CriterionWeights]
    """The learnt criteria; of all others the rubric's word is the only one."""

    rows: int
    rows_fingerprint: str
    cross_validated: Mapping[str, float]
    """Agreement with the pharmacists on drafts left out, of the rubric alone and of this judge."""


@dataclass(frozen=True)
class VerdictWeights:
    """The card, and the fingerprint of the file that it came from."""

    card: VerdictCard
    fingerprint: str = ""
    """12 hex digits."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        card, _, fingerprint = weights_file.read(path)
        return cls(VerdictCard.model_validate_json(card), fingerprint)

    def save(self, path: Path) -> None:
        """Write the card as plain numbers to one file: the same card gives the same bytes."""
        weights_file.write(path, self.card)


def features_of(material: Material, verdicts: Mapping[str, Verdict]) -> dict[str, float]:
    """Return what a judge looks at: the rubric's marks and kinds of findings, the draft's shape, and hashed grams."""
    found = {f"mark.{name}": (_BEST - verdict.mark) / 4 for name, verdict in verdicts.items()}
    for name, verdict in verdicts.items():
        if verdict.mark < _BEST:
            found[f"finding.{name}.{_hashed(_QUOTED.sub('', verdict.reason))}"] = 1.0
    held = grams(material.words)
    # Many grams together weigh about as much as one of the other features.
    weight = 2 / math.sqrt(len(held)) if held else 0.0
    told = {f"phase.{material.phase}": 1.0, f"category.{material.category}": 1.0}
    return found | _shape(material) | told | {f"{GRAM}{_hashed(gram)}": weight for gram in held}


def _shape(material: Material) -> dict[str, float]:
    asked = {gram for gram in grams(without_greetings(material.asked)) if any("㐀" <= c <= "鿿" for c in gram)}
    questions = sum(map(is_question, material.sentences))
    return {
        "shape.length": min(len(material.draft), 500) / 100,
        "shape.short": float(len(material.draft) < 60),
        "shape.sentences": min(len(material.sentences), 10) / 5,
        "shape.questions": min(questions, 5) / 3,
        "shape.asks_nothing": float(not questions),
        "shape.taken_up": len(asked & grams(material.words)) / len(asked) if asked else 0.0,
        "shape.products": min(len(material.formulas), 3) / 3,
        "shape.advice": float(gives_advice(material.words)),
        "shape.asked": float(asks(material.asked)),
    }


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).hexdigest()
