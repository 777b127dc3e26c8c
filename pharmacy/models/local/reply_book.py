"""The learnt replies of a student that was trained here, with the shapes of the questions that they answered."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pharmacy.models.local import weights_file
from pharmacy.models.local.formulas import without_names
from pharmacy.models.local.library import Written, library
from pharmacy.models.local.retrieval import Index
from pharmacy.models.local.wording import grams, what_is_asked, without_greetings

_HASH_BYTES = 8
_READING = "what is asked"
"""What of a message its likeness is of; a book that was made of something else is made anew."""


class LearntReply(BaseModel):
    """A reply that pharmacists sent, with blanks where it held facts, and what it was sent for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    matter: int
    """Which replies do for one another, counted from 0."""

    phases: tuple[str, ...]
    formula: str | None
    """The product that must be meant; "": none may be; None: seen with several, whichever is meant."""

    order_state: str | None
    """The state that the one order must be in; "": there was not one order; None: whichever."""

    words: tuple[str, ...]
    """Words taken up from the patient: the next one must have said them too."""

    needs: tuple[str, ...]
    asks: tuple[str, ...]
    advice: bool
    """Whether it tells how to take something: held back from patients with something in their record."""

    def written(self, place: int) -> Written:
        """Return the reply as those of the library are offered."""
        product = "none" if self.formula == "" else ""
        return Written(f"learnt.{place}", self.text, self.phases, product, self.needs, self.asks, self.advice)


class Confidence(BaseModel):
    """How likely the nearest matter is the right one, as a logistic curve fitted on questions left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bias: float
    of_likeness: float
    of_lead: float
    """What being ahead of the next matter counts for."""

    def of(self, likeness: float, lead: float) -> float:
        """Return the share of such questions whose nearest matter is right, 0 to 1."""
        return float(1 / (1 + np.exp(-(self.bias + self.of_likeness * likeness + self.of_lead * lead))))


class BookCard(BaseModel):
    """What is known of a book beside its arrays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node: str
    beside_library: bool
    """Whether the shipped replies answer where no learnt one does."""

    replies: tuple[LearntReply, ...]
    """Of one matter the one that was sent most stands first."""

    confidence: Confidence
    threshold: float
    """0 to 1: the confidence below which no reply is near enough; above 1 none ever is."""

    left_out: Mapping[str, int]
    """Why rows were not learnt, and how many."""

    rows_fingerprint: str
    library_fingerprint: str
    """Of the shipped wordings that the likeness was learnt beside."""

    cross_validated: Mapping[str, float]
    """Figures over questions left out in turn."""


@dataclass(frozen=True)
class ReplyBook:
    """Learnt replies, and the hashed grams of the questions; no question stands in it as it was written."""

    card: BookCard
    grams: NDArray[np.uint64]
    """The hashed grams of all questions, one question after the other, each rising."""

    lengths: NDArray[np.int32]
    """How many grams each question holds, shape (questions,)."""

    matter_of: NDArray[np.int32]
    """Which matter each question is of, never falling, shape (questions,)."""

    fingerprint: str = ""
    """12 hex digits over arrays and card."""

    @cached_property
    def index(self) -> Index:
        """The questions by their matters; after them the shipped wordings, which tell common grams from others."""
        parts = np.split(self.grams, np.cumsum(self.lengths)[:-1])
        own = [(int(matter), part.tolist()) for matter, part in zip(self.matter_of, parts, strict=True)]
        matters = own[-1][0] + 1
        return Index([*own, *((matters + topic, held) for topic, held in _shipped_wordings())])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        card, arrays, fingerprint = weights_file.read(path)
        held = BookCard.model_validate_json(card)
        return cls(held, arrays["grams"], arrays["lengths"], arrays["matter_of"], fingerprint)

    def save(self, path: Path) -> None:
        """Write arrays and card to one file without pickled objects: the same book gives the same bytes."""
        weights_file.write(path, self.card, grams=self.grams, lengths=self.lengths, matter_of=self.matter_of)


def question_grams(text: str, formulas: Iterable[str]) -> frozenset[int]:
    """Return the hashed grams of what a message asks, each product as one word; what else it tells is left aside."""
    question = what_is_asked(without_greetings(without_names(text, formulas)))
    return frozenset(_hashed(gram) for gram in grams(question))


@cache
def library_fingerprint() -> str:
    """Return 12 hex digits over the shipped wordings and how they are read: likeness is bound to both."""
    words: list[object] = [_READING]
    words += [(e.category, e.topic.id, e.topic.intents) for entries in library().values() for e in entries]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()[:12]


@cache
def _shipped_wordings() -> tuple[tuple[int, frozenset[int]], ...]:
    topics = [entry.topic for entries in library().values() for entry in entries]
    return tuple((n, question_grams(wording, ())) for n, topic in enumerate(topics) for wording in topic.intents)


def _hashed(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=_HASH_BYTES).digest(), "big")
