"""Likeness to messages that must be held: letter sequences and rules' signs, weighed by training.

Rules name what they know; this catches wordings near to them that nobody wrote down, and is asked before a rule alone
holds a text. `distillation/train_gate.py` writes the weights from the rules' own examples and from `examples/`.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.rules import Trust

WEIGHTS = Path(__file__).parent / "likeness.npz"
SCORES = ("held", "emergency", "urgent")
"""What is scored: must it be held at all; is it tier E; is it tier E or U."""

Scores = tuple[float, float, float]
LENGTHS = (1, 2, 3, 4)
STRETCH_LETTERS = 120
STEP_LETTERS = 80
HUNDREDTHS = 100
# Once held, the tier that is nearly as likely but more pressing is taken.
_LEAST_DOUBT = -1.0
_EDGES = ("\x02", "\x03")
_PRIME, _MIX, _PER_LENGTH = np.uint32(0x01000193), np.uint32(0x9E3779B1), 0x85EBCA6B
_MIX_OTHER = np.uint32(0x85EBCA6B)


class Floors(NamedTuple):
    """What the scores of a stretch of text must be over, for it to be held."""

    held: float
    """The first score, where no rule finds anything."""

    emergency: float
    """The second score, for an emergency that no rule finds."""

    emergency_too: float
    """The first two scores together, for an emergency that no rule finds."""

    emergency_rule: float
    """The first two scores together, where a rule of tier E finds something."""

    rule: float
    """The first score, where another rule finds something."""

    hint: float
    """The first score, where a rule hints at something."""


@dataclass(frozen=True)
class Likeness:
    """A linear score over the letter sequences of a text and the signs rules found in it, for each of `SCORES`."""

    sequences: NDArray[np.uint32]
    """Hashes of the known sequences, rising."""

    weights: NDArray[np.int16]
    """One row per sequence, one column per score, in hundredths."""

    pairs: NDArray[np.uint32]
    """Hashes of the known pairs of signs, rising: a symptom with a film says something else than either."""

    pair_weights: NDArray[np.int16]

    signs: Mapping[str, tuple[float, ...]]
    """Sign of a rule to its weight in each score, in hundredths."""

    offsets: tuple[float, ...]
    floors: Floors

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Likeness":
        """Return the trained weights.

        Raises:
            ConfigError: the file is missing or is not what the training wrote.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as read:
                names, weighed = read["sign_names"].tolist(), read["sign_weights"].tolist()
                signs = {name: tuple(weights) for name, weights in zip(names, weighed, strict=True)}
                offsets, floors = tuple(read["offsets"].tolist()), Floors(*read["floors"].tolist())
                return cls(
                    read["sequences"], read["weights"], read["pairs"], read["pair_weights"], signs, offsets, floors
                )
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, zlib.error) as error:
            place = f"{path.name}: cannot be read ({error!r})"
            raise ConfigError(f"{place}, expected weights, offsets and floors from distillation.train_gate") from error

    def tier(self, scores: Scores) -> Tier | None:
        """Return the tier a stretch of text with these scores is most like, or None when it is like no held message."""
        held, emergency, urgent = scores
        if emergency > self.floors.emergency and held + emergency > self.floors.emergency_too:
            return Tier.E
        if held <= self.floors.held:
            return None
        if emergency > _LEAST_DOUBT:
            return Tier.E
        return Tier.U if urgent > _LEAST_DOUBT else Tier.H

    def confirms(self, scores: Scores, tier: Tier, trust: Trust) -> bool:
        """Return whether a stretch of text is likely enough to be held where a rule of `tier` finds something."""
        held, emergency, _ = scores
        if trust is Trust.ALONE:
            return True
        if trust is Trust.HINT:
            return held > self.floors.hint
        if tier is Tier.E:
            return held + emergency > self.floors.emergency_rule
        return held > self.floors.rule

    def scores(self, text: str, signs: Iterable[str]) -> Scores:
        """Return the three scores of a stretch of text; their zero is where training saw even odds.

        Args:
            text: at most about `STRETCH_LETTERS` of the gate copy, each symptom that is said not to be there marked.
            signs: what the rules found in it, and which lists of the vocabulary it touches.
        """
        found = list(dict.fromkeys(signs))
        total = _sum(sequences(text), self.sequences, self.weights) + _sum(pairs(found), self.pairs, self.pair_weights)
        weighed = [self.signs[sign] for sign in found if sign in self.signs]
        held, emergency, urgent = (
            (float(total[score]) + sum(sign[score] for sign in weighed)) / HUNDREDTHS + self.offsets[score]
            for score in range(len(SCORES))
        )
        return held, emergency, urgent


def stretches(text: str) -> list[int]:
    """Return where each overlapping stretch starts, so that small talk around an emergency does not drown it."""
    # Of nothing, as emoji leave it, nothing is likely.
    return list(range(0, max(len(text) - STEP_LETTERS // 2, 1), STEP_LETTERS)) if text.strip() else []


def sequences(text: str) -> NDArray[np.uint32]:
    """Return the hashes of every run of one to four letters in `text`, its edges marked, each once and rising."""
    letters = np.frombuffer((_EDGES[0] + text + _EDGES[1]).encode("utf-32-le", "replace"), dtype="<u4")
    running = np.full(len(letters), 0x811C9DC5, dtype=np.uint32)
    found = []
    for length in LENGTHS:
        running = (running[: len(letters) - length + 1] * _PRIME) ^ letters[length - 1 :]
        running *= _PRIME
        found.append((running ^ np.uint32(length * _PER_LENGTH & 0xFFFFFFFF)) * _MIX)
    return np.unique(np.concatenate(found))


def pairs(signs: Iterable[str]) -> NDArray[np.uint32]:
    """Return the hashes of every two different signs, each once and rising."""
    marks = np.unique(np.array([zlib.crc32(sign.encode()) for sign in signs], dtype=np.uint32))
    one, other = np.triu_indices(len(marks), 1)
    return np.unique((marks[one] * _MIX) ^ (marks[other] * _MIX_OTHER))


def _sum(found: NDArray[np.uint32], known: NDArray[np.uint32], weights: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the summed weights of what is known of `found`, evened out for how much that is."""
    places = np.searchsorted(known, found).clip(max=len(known) - 1)
    places = places[known[places] == found]
    total: NDArray[np.float64] = weights[places].sum(axis=0) / max(len(places), 1) ** 0.5
    return total
