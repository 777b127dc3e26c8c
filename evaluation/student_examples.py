"""The shipped examples of the local students, as written: one JSON object per line, split by family."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.models.local.student_fields import Fields, classify_fields, phase_fields

EXAMPLES = Path(__file__).parents[1] / "distillation" / "examples"

Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Example:
    """One message with the answer a pharmacist gave it."""

    text: str
    answer: str
    family: str
    """The one idea that the message is a wording of; a family is in one split only."""

    fields: Fields
    """What the student reads of it."""

    phase: str | None = None
    """The phase the conversation was in; None for `classify`."""

    last_reply: str = ""
    """The pharmacy's last message; "" for `classify`, or when there was none."""

    @property
    def mixed(self) -> bool:
        """True when the message holds two matters: found by its parts, not taught as a whole."""
        return self.family.startswith("pharmacist_only.mixed")


def read_examples(node: str, split: Split, folder: Path = EXAMPLES) -> list[Example]:
    """Return the examples of `node`, in the file's order.

    Raises:
        ValueError: a line is not of the node's form.
    """
    rows: dict[str, type[_Category | _Phase]] = {"classify": _Category, "switch_phase": _Phase}
    lines = examples_path(node, split, folder).read_text(encoding="utf-8").split("\n")
    return [rows[node].model_validate_json(line).example() for line in lines if line]


def examples_path(node: str, split: Split, folder: Path = EXAMPLES) -> Path:
    """Return where the examples of `node` stand."""
    return folder / node / f"{split}.jsonl"


def examples_fingerprint(node: str, folder: Path = EXAMPLES) -> str:
    """Return 12 hex digits over the training examples of `node`."""
    return hashlib.sha256(examples_path(node, "train", folder).read_bytes()).hexdigest()[:12]


def families(examples: Sequence[Example]) -> set[str]:
    """Return the families of `examples`."""
    return {example.family for example in examples}


class _Category(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1)
    category: str
    family: str

    def example(self) -> Example:
        return Example(self.text, self.category, self.family, classify_fields(self.text))


class _Phase(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    phase: str
    last_reply: str
    text: str = Field(min_length=1)
    next: str
    family: str

    def example(self) -> Example:
        fields = phase_fields(self.phase, self.last_reply, self.text)
        return Example(self.text, self.next, self.family, fields, self.phase, self.last_reply)
