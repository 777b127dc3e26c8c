"""What is held against each other: a model, and the words it is asked by."""

import re
from dataclasses import dataclass
from typing import Literal, Self

from pharmacy.models.model_name import ModelRef

MOST_EXAMPLES = 50
RECORDED = "recorded:answer"
"""Stands for whoever answered when the row came to be: nobody is asked, so a model that is gone can be held against."""

_WRITTEN = re.compile(r"(?P<model>\S+?)(?:@(?:(?P<short>short)|few_shot=(?P<examples>\d+)))?")

Words = Literal["plain", "short", "few_shot"]
"""The node's own prompt; its first part alone; its own with some decided rows shown before the question."""


@dataclass(frozen=True)
class Candidate:
    """One model under one way of asking."""

    model: str
    """As `provider:name`."""

    words: Words = "plain"
    examples: int = 0
    """Under `few_shot`: how many rows of the training split are shown, 1 to 50."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `text` names: a model, or a model with `@short` or `@few_shot=N` behind it.

        Raises:
            ValueError: it names none, or a local model that reads no words.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not of the form 'provider:name', 'provider:name@short' or '…@few_shot=5'")
        model, examples = ModelRef.read(found["model"]), int(found["examples"] or 0)
        if found["examples"] and not 1 <= examples <= MOST_EXAMPLES:
            raise ValueError(f"{text!r}: {examples} examples; expected 1 to {MOST_EXAMPLES}")
        words: Words = "short" if found["short"] else "few_shot" if examples else "plain"
        if str(model) == RECORDED and words != "plain":
            raise ValueError(f"{text!r}: what was answered then was answered; expected {RECORDED!r}")
        if model.is_local and words != "plain":
            raise ValueError(f"{text!r}: a local model is not led by words; expected {str(model)!r}")
        return cls(str(model), words, examples)

    @property
    def is_recorded(self) -> bool:
        """Whether nobody is to be asked."""
        return self.model == RECORDED

    def __str__(self) -> str:
        ending = {"plain": "", "short": "@short", "few_shot": f"@few_shot={self.examples}"}[self.words]
        return self.model + ending
