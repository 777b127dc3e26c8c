"""What was set out to be reached, beside what was measured."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """One figure, mostly a ratio within one run."""

    what: str
    measured: float
    asked: float
    at_least: bool = False
    """Whether more is better."""

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.asked if self.at_least else self.measured <= self.asked

    def as_json(self) -> dict[str, Any]:
        """Return it for a file."""
        return {**asdict(self), "is_met": self.is_met}


def met(target: Target) -> str:
    """Return it in words."""
    asked = f"{'at least' if target.at_least else 'at most'} {target.asked:g}"
    return f"{target.measured:.2f}; asked: {asked}; {'met' if target.is_met else 'MISSED'}"
