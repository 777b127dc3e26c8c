"""Who answers for a node: its teacher, its student, or each of them for a share of the conversations."""

import hashlib
from dataclasses import dataclass
from typing import Literal

By = Literal["teacher", "student", "canary"]
_BYTES = 6
"""Of a hash; few enough that the number they make stays below 1 as a float."""


@dataclass(frozen=True)
class Serving:
    """Who answers for a node, and how often the student does."""

    by: By
    canary_share: float = 0.0
    """Under `canary`: the share of conversations that the student serves, 0 to 1."""

    shadow_share: float = 0.0
    """The share of conversations in which the student answers too, unused, 0 to 1."""

    student: str | None = None
    """The one student that this was decided of, as `provider:name`; None: whichever the file names."""

    @property
    def student_share(self) -> float:
        """The share of conversations whose first drafts the student writes, 0 to 1."""
        return {"teacher": 0.0, "student": 1.0, "canary": self.canary_share}[self.by]

    @property
    def needs_student(self) -> bool:
        """True when the student answers at all, used or not."""
        return self.by != "teacher" or self.shadow_share > 0

    @property
    def said(self) -> str:
        """Return it in words."""
        served = f"canary: the student serves {self.canary_share:.0%}" if self.by == "canary" else f"{self.by} serves"
        beside = f", the student answers {self.shadow_share:.0%} unused" if self.shadow_share else ""
        return served + beside + (f" ({self.student})" if self.student else "")


def drawn(conversation: str, node: str, what: Literal["canary", "shadow"]) -> float:
    """Return a number from 0 up to 1, the same for ever: a conversation does not change sides between two messages.

    Args:
        conversation: `PHARMACY/CONVERSATION`.
    """
    digest = hashlib.sha256("\0".join((what, node, conversation)).encode(errors="replace")).digest()
    return int.from_bytes(digest[:_BYTES]) / (1 << 8 * _BYTES)
