"""A stand-in for the gate's rules: it holds a text by the words a test names, and nothing else."""

from collections.abc import Mapping

from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.gates.recognise import Recognition


class WordRecogniser:
    """Holds every text that contains one of its words; a word of several lines is found only in joined messages."""

    def __init__(self, words: Mapping[str, Tier] | None = None) -> None:
        self._words = words or {}
        self.read: list[str] = []
        """Every text it was given, in order."""

    def recognise(self, text: str) -> Recognition:
        """Return a hit for each word that `text` contains."""
        self.read.append(text)
        places = ((word, tier, text.find(word)) for word, tier in self._words.items())
        return Recognition(
            tuple(GateHit(f"words.{word}", tier, (at, at + len(word)), word) for word, tier, at in places if at >= 0)
        )
