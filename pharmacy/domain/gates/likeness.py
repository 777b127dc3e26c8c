"""Likeness to messages that must be held: letter sequences weighed by training. It can only add a gate.

Rules name what they know; this catches wordings near to them that nobody wrote down. `distillation/train_gate.py`
writes the weights from the rules' own examples and from `examples/`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier

WEIGHTS = Path(__file__).parent / "likeness.json"
SCORES = ("held", "emergency", "urgent")
"""What is scored: must it be held at all; is it tier E; is it tier E or U."""

LENGTHS = (1, 2, 3, 4)
_WINDOW_LETTERS = 120
_STEP_LETTERS = 80
_HUNDREDTHS = 100
# Once held, the tier that is nearly as likely but more pressing is taken.
_LEAST_DOUBT = -0.3


@dataclass(frozen=True)
class Likeness:
    """A linear score over the letter sequences of a normalised text, for each of `SCORES`."""

    weights: Mapping[str, tuple[int, int, int]]
    """Sequence to its weight in each score, in hundredths."""

    offsets: tuple[float, float, float]
    floors: tuple[float, float]
    """A text is held when its first score is over the first floor, or its second over the second."""

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Likeness":
        """Return the trained weights.

        Raises:
            ConfigError: the file is missing or is not what the training wrote.
        """
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            return cls(read["weights"], tuple(read["offsets"]), tuple(read["floors"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            place = f"{path.name}: cannot be read ({error!r})"
            raise ConfigError(f"{place}, expected weights, offsets and floors from distillation.train_gate") from error

    def tier(self, text: str) -> Tier | None:
        """Return the tier `text` is most like, or None when it is like no held message.

        A long text is read in overlapping stretches, so that small talk around an emergency does not drown it.
        """
        stretches = range(0, max(len(text) - _STEP_LETTERS // 2, 1), _STEP_LETTERS)
        tiers = [self._tier(text[start : start + _WINDOW_LETTERS]) for start in stretches]
        return min((tier for tier in tiers if tier), key="EUH".index, default=None)

    def _tier(self, stretch: str) -> Tier | None:
        held, emergency, urgent = self.scores(stretch)
        if emergency > self.floors[1]:
            return Tier.E
        if held <= self.floors[0]:
            return None
        if emergency > _LEAST_DOUBT:
            return Tier.E
        return Tier.U if urgent > _LEAST_DOUBT else Tier.H

    def scores(self, text: str) -> tuple[float, float, float]:
        """Return the three scores of a short text; their zero is where training saw even odds."""
        found = set(sequences(text))
        known = [self.weights[sequence] for sequence in found if sequence in self.weights]
        scale = max(len(known), 1) ** 0.5 * _HUNDREDTHS
        held, emergency, urgent = (
            sum(weight[score] for weight in known) / scale + self.offsets[score] for score in range(len(SCORES))
        )
        return held, emergency, urgent


def sequences(text: str) -> Iterator[str]:
    """Yield every run of one to four letters in `text`."""
    for length in LENGTHS:
        for start in range(len(text) - length + 1):
            yield text[start : start + length]
