"""Which model serves a node now: what the file says, until a person or a gate says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pharmacy.domain.errors import ConfigError
from pharmacy.models.tables import NodeTable


@dataclass(frozen=True)
class Serving:
    """Who answers for a node, and how often the student does."""

    by: Literal["teacher", "student", "canary"]
    canary_share: float = 0.0
    """Under `canary`: the share of runs that the student serves, 0 to 1."""

    shadow_share: float = 0.0
    """The share of runs in which the student answers too, unused, 0 to 1."""

    @classmethod
    def of(cls, table: NodeTable) -> "Serving":
        """Return what the file says."""
        return cls(table.serving, table.canary_share, table.shadow_share)

    @property
    def student_share(self) -> float:
        """The share of runs whose first draft the student writes, 0 to 1."""
        return {"teacher": 0.0, "student": 1.0, "canary": self.canary_share}[self.by]

    @property
    def needs_student(self) -> bool:
        """True when the student answers at all, used or not."""
        return self.by != "teacher" or self.shadow_share > 0


def check_serving(node: str, table: NodeTable, serving: Serving, fingerprints: Mapping[str, str]) -> None:
    """Refuse to serve a student that is not there, or under another prompt than it was trained on.

    Raises:
        ConfigError: naming the node and both fingerprints.
    """
    if not (0 <= serving.canary_share <= 1 and 0 <= serving.shadow_share <= 1):
        raise ConfigError(f"[{node}] canary and shadow shares are {serving!r}; expected 0 to 1")
    if not serving.needs_student:
        return
    if table.student is None:
        raise ConfigError(f"[{node}] serving {serving.by!r}: has no student; expected a student table")
    trained, now = table.student.prompt_fingerprint, fingerprints.get(node)
    if trained != now:
        raise ConfigError(
            f"[{node}] student {table.student.model!r} was trained under prompt {trained!r}, the prompt is now "
            f"{now!r}; expected the same: restore the prompt, train anew, or serve the teacher"
        )
