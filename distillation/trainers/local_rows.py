"""Training rows as a local student reads them: what stood in the prompt's blanks, and the label that was the answer."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from distillation.linear_student import FOLDS
from distillation.trainers.port import TrainerRefused
from distillation.trainers.training_file import TrainingFile
from distillation.trainers.under_prompt import NodePrompt
from evaluation.student_examples import Example
from pharmacy.models.local.student_fields import classify_fields, latest_exchange, phase_fields

ANSWERS: Mapping[str, str] = {"classify": "category", "switch_phase": "phase"}
"""Node to the field of its answer that a local student learns."""


def examples_of(prompt: NodePrompt, file: TrainingFile) -> list[Example]:
    """Return the rows of `file` as examples.

    Raises:
        ConfigError: a row stands under other words than the node's prompt.
        TrainerRefused: a row's answer names no label.
    """
    found = []
    for number, (row, blanks) in enumerate(zip(file.rows, prompt.check(file), strict=True), 1):
        try:
            answer = json.loads(row.answer)[ANSWERS[prompt.node]]
        except (ValueError, KeyError, TypeError):
            answer = None
        if not isinstance(answer, str):
            raise TrainerRefused(f"{file.path}:{number}: the answer has no {ANSWERS[prompt.node]!r}")
        found.append(_example(blanks, answer))
    return found


def common(examples: Sequence[Example]) -> list[Example]:
    """Return the examples of answers that are there often enough to be left out in turn."""
    counts = Counter(map(_stratum, examples))
    return [example for example in examples if counts[_stratum(example)] >= FOLDS]


def rare(examples: Sequence[Example]) -> Iterator[str]:
    """Give, for each answer that is too rare to be learnt, what it is and how often it is there."""
    for (phase, answer), count in sorted(Counter(map(_stratum, examples)).items()):
        if count < FOLDS:
            said = f"{phase} → {answer}" if phase else answer
            yield f"{said}: {count} rows, which are left out; expected at least {FOLDS}"


def _stratum(example: Example) -> tuple[str, str]:
    return example.phase or "", example.answer


def _example(blanks: Mapping[str, str], answer: str) -> Example:
    last_reply, text = latest_exchange(blanks["conversation"])
    # The same words said twice are one idea, and must not be learnt on one side and tried on the other.
    family = hashlib.sha256(text.encode()).hexdigest()
    if "phase" not in blanks:
        return Example(text, answer, family, classify_fields(text))
    fields = phase_fields(blanks["phase"], last_reply, text)
    return Example(text, answer, family, fields, blanks["phase"], last_reply)
