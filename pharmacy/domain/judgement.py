"""What the judge says of a draft: one reason and one mark per criterion, held against the bars."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One criterion's verdict."""

    mark: int
    """Whole number, 1 (unsafe to send) to 5 (send as it is)."""

    bar: int
    """Whole number 1 to 5: the lowest mark that passes."""

    reason: str


@dataclass(frozen=True)
class Judgement:
    """All criteria of one draft, in the flow file's order."""

    marks: Mapping[str, Mark]
    blocked: tuple[str, ...] = ()
    """What the output gate found, one sentence each; a blocked draft is never shown to the model."""

    @property
    def clears(self) -> bool:
        """True when nothing is blocked, there is a criterion, and every mark reaches its bar."""
        reached = all(mark.mark >= mark.bar for mark in self.marks.values())
        return not self.blocked and bool(self.marks) and reached

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the draft fell short: what is blocked, then one sentence per criterion below its bar."""
        return self.blocked + tuple(
            f"{name} {mark.mark}/5 (基準 {mark.bar}): {mark.reason}"
            for name, mark in self.marks.items()
            if mark.mark < mark.bar
        )
