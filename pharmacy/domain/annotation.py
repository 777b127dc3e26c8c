"""Which runs people look at again, in LangSmith's annotation queue: the rule of a file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.judgement import Mark
from pharmacy.domain.toml_file import TomlFile

REFUSED = frozenset({"rejected", "regenerated", "replied"})
"""Decisions after which a draft was of no use."""


@dataclass(frozen=True)
class AnnotationRule:
    """Who is looked at again."""

    margin_under: int
    """A draft whose lowest mark lies less than this above its bar is looked at; 0 to 4, and 0 takes none."""

    sample_share: float
    """How many of all runs are looked at whatever became of them, 0 to 1."""

    def at_end(self, run_id: UUID, margin: int | None) -> tuple[str, ...]:
        """Return why a run that has ended is looked at again: `low_margin`, `sample`, or nothing."""
        low = margin is not None and margin < self.margin_under
        return ("low_margin",) * low + ("sample",) * (_fraction(run_id) < self.sample_share)

    def decided(self, run_id: UUID, margin: int | None, decision: str | None) -> tuple[str, ...]:
        """Return why a run is looked at again, once a pharmacist has decided: those reasons, `refused` or `edited`."""
        first = ("refused",) if decision in REFUSED else ("edited",) if decision == "edited" else ()
        return first + self.at_end(run_id, margin)


def lowest_margin(marks: Mapping[str, Mark]) -> int | None:
    """Return how far the lowest mark lies above its bar, negative below it; None for a draft without marks."""
    return min((each.mark - each.bar for each in marks.values()), default=None)


def read_annotation_rule(path: Path) -> AnnotationRule:
    """Return the rule of the file at `path`.

    Raises:
        ConfigError: it cannot be read, or says what no rule may say.
    """
    file = TomlFile.read(path).table((), _File)
    return AnnotationRule(file.margin_under, file.sample_share)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    margin_under: int = Field(ge=0, le=4)
    sample_share: float = Field(ge=0, le=1)


def _fraction(run_id: UUID) -> float:
    # The run's own id decides: asked again, by whichever process, the answer is the same.
    return int.from_bytes(hashlib.sha256(run_id.bytes).digest()[:8]) / 2**64
