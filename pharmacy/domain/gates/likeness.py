"""Likeness to messages that were held: letter sequences weighed by training. It can only add a gate."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier

WEIGHTS = Path(__file__).parent / "likeness.json"
LENGTHS = (1, 2, 3, 4)
_MOST_LETTERS = 400


class Likeness:
    """A linear score per tier over the letter sequences of a normalised text."""

    def __init__(self, weights: Mapping[str, Mapping[str, float]], floors: Mapping[str, float]) -> None:
        self._weights = weights
        self._floors = floors

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Likeness | None":
        """Return the trained weights, or None when none are shipped: rules alone then decide.

        Raises:
            ConfigError: the file is there but is not what the training wrote.
        """
        if not path.exists():
            return None
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            return cls(read["weights"], read["floors"])
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"{path.name}: cannot be read ({error}), expected weights and floors per tier") from error

    def tier(self, text: str) -> Tier | None:
        """Return the tier whose score is over its floor, most pressing first, or None."""
        found = set(sequences(text[:_MOST_LETTERS]))
        for tier in Tier:
            weights = self._weights[tier]
            score = sum(weights.get(sequence, 0.0) for sequence in found)
            if score / max(len(found), 1) ** 0.5 + weights[""] > self._floors[tier]:
                return tier
        return None


def sequences(text: str) -> Iterator[str]:
    """Yield every run of one to four letters in `text`."""
    for length in LENGTHS:
        for start in range(len(text) - length + 1):
            yield text[start : start + length]
