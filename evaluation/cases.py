"""Read the cases that models are held against: rows of a dataset, with the answer that a pharmacist let stand."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pharmacy.storage.datasets import DatasetRow

LABEL_FIELDS = {"classify": "category", "switch_phase": "phase"}
"""Node to the field of its answer that decides what comes next."""


def row_id(run_id: UUID, node: str, *, of_first: bool) -> str:
    """Return the id of the row that a run's answer becomes; nothing of the run's own can be read from it.

    Args:
        of_first: whether it is of the node's first answer in the run, and not of its newest.
    """
    return hashlib.sha256(f"{run_id}/{node}/{of_first}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Case:
    """One row as it is asked."""

    row: DatasetRow
    id: str
    category: str
    phase: str
    blanks: Mapping[str, str]
    """Of the node's frame, redacted."""

    label: str | None
    """The right category or phase; None for a node that writes texts or marks."""

    accepted: bool | None
    """For the judge: whether the pharmacist let the draft pass; None where the decision does not say."""

    by_pharmacist: bool
    """Whether a person said what is right; False where one only let a model's answer stand."""

    said: str | None
    """What was answered when the row came to be; None where nothing readable was."""

    target: str | None
    """The answer as it is to be learnt; None where only the wrong one is known."""

    @classmethod
    def of(cls, node: str, row: DatasetRow) -> Self:
        """Return the case of `row`."""
        said, passes = row.row, row.row["passes"]
        target = json.loads(said["target"]) if said["target"] else None
        label = str(target[LABEL_FIELDS[node]]) if node in LABEL_FIELDS and target else None
        return cls(
            row, said["id"], said["category"], said["phase"], said["blanks"], label,
            all(passes.values()) if node == "judge" and passes else None, not said["weak"],
            said["said"], said["target"],
        )  # fmt: skip

    def can_be_asked(self, node: str) -> bool:
        """Whether an answer to it can be held against anything."""
        if node in LABEL_FIELDS:
            return self.label is not None
        return self.accepted is not None if node == "judge" else True
