"""What is trained, from which rows and how; read and held against the node's prompt before anything heavy is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillation.trainers.training_file import Row, TrainingFile, read_training_file
from distillation.trainers.under_prompt import NodePrompt
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings


@dataclass(frozen=True)
class Recipe:
    """The choices of one training; the defaults are customary ones for adapters, tuned on nothing here."""

    rank: int = 16
    """Of each adapter's two matrices; vLLM is started with at least as much."""

    alpha: int = 32
    """The adapter's weight is alpha / rank."""

    dropout: float = 0.05
    learning_rate: float = 1e-4
    epochs: float = 2.0
    batch: int = 1
    """Rows at once on the device."""

    accumulate: int = 16
    """Batches for each step."""

    longest: int = 8192
    """Tokens of the longest row; a longer one is refused, since what would be cut off is its answer."""

    seed: int = 1


@dataclass(frozen=True)
class LoraOrder:
    """One training."""

    node: str
    base: str
    """A folder or a name that transformers can load."""

    prompt_fingerprint: str
    train: TrainingFile
    validation: TrainingFile | None
    recipe: Recipe


def read_order(
    node: str, base: str, train: Path, validation: Path | None, recipe: Recipe, settings: Settings
) -> LoraOrder:
    """Return the order, its rows held against the node's present prompt.

    Raises:
        ConfigError: a file, a row or the node is not as it must be.
    """
    prompt = NodePrompt.of(node, settings)
    files = [read_training_file(path) for path in (train, validation) if path is not None]
    for file in files:
        if file.method != "supervised":
            raise ConfigError(f"{file.path}: holds pairs; expected answers: kakari dataset export --format supervised")
        prompt.check(file)
    return LoraOrder(node, base, prompt.fingerprint, files[0], files[1] if validation else None, recipe)


def chat_row(row: Row) -> Mapping[str, Any]:
    """Return a row as trl reads it: the loss is taken over the completion alone."""
    asked = [{"role": message.role, "content": message.content} for message in row.asked]
    return {"prompt": asked, "completion": [{"role": "assistant", "content": row.answer}]}
