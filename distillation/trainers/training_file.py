"""Read a file of training rows: OpenAI's chat JSONL, answers to learn or pairs of which one is preferred."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from distillation.datasets.chat_file import BASE, CheckedFile, check_file
from pharmacy.domain.errors import ConfigError
from pharmacy.models.tokens import TOKENS_PER_MESSAGE, estimate_tokens

Method = Literal["supervised", "dpo"]
_SHOWN = 3
"""How many faults of a bad file are told; `kakari dataset check` tells all."""


@dataclass(frozen=True)
class Message:
    """One message of a row."""

    role: str
    content: str


@dataclass(frozen=True)
class Row:
    """One row, whatever the file's kind."""

    asked: tuple[Message, ...]
    """What the model is given: system and user messages."""

    answer: str
    """What it should say."""

    turned_down: str | None = None
    """What it should rather not say; None but in a file of pairs."""

    @property
    def tokens(self) -> int:
        """About how many tokens the row is."""
        texts = [*(message.content for message in self.asked), self.answer, *filter(None, [self.turned_down])]
        return sum(estimate_tokens(text) + TOKENS_PER_MESSAGE for text in texts)


@dataclass(frozen=True)
class TrainingFile:
    """A whole file."""

    path: Path
    content: bytes = field(repr=False)
    sha256: str
    method: Method
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def tokens(self) -> int:
        """About how many tokens one pass over the file is."""
        return sum(row.tokens for row in self.rows)


def read_training_file(path: Path, models: Sequence[str] = (BASE,)) -> TrainingFile:
    """Return the file at `path`.

    Args:
        models: each row must fit into the context of each.

    Raises:
        ConfigError: naming file, line and what was expected.
    """
    try:
        checked, content = check_file(path, models), path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected chat JSONL in UTF-8") from error
    digest = hashlib.sha256(content).hexdigest()
    if not checked.is_good:
        raise ConfigError(faults_told(checked))
    if digest != checked.sha256:
        raise ConfigError(f"{path}: is being written; expected a file that is whole")
    rows = tuple(_row(json.loads(line)) for line in content.split(b"\n") if line)
    return TrainingFile(path, content, digest, "dpo" if rows[0].turned_down is not None else "supervised", rows)


def faults_told(checked: CheckedFile) -> str:
    """Return what keeps a file from being trained from, in words."""
    shown = [
        f"{checked.path}:{fault.line}: {fault.says}" if fault.line else f"{checked.path}: {fault.says}"
        for fault in checked.faults[:_SHOWN]
    ]
    more = checked.fault_count - len(shown)
    return "\n".join([*shown, *([f"and {more} more faults: kakari dataset check {checked.path}"] if more else [])])


def _row(value: Mapping[str, Any]) -> Row:
    if "input" in value:
        (liked,), (turned_down,) = value["preferred_output"], value["non_preferred_output"]
        return Row(_messages(value["input"]["messages"]), liked["content"], turned_down["content"])
    *asked, answer = value["messages"]
    return Row(_messages(asked), answer["content"])


def _messages(values: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    return tuple(Message(value["role"], value["content"]) for value in values)
