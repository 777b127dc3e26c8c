"""What the stand-in knows of batches, and how they go."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Batches:
    """All batches, oldest first, and how they go."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    step_seconds: float = 0.01
    """How long each request takes."""

    expires_after: int | None = None
    """The window closes once so many requests are answered; None: it never does."""

    cancelling: set[str] = field(default_factory=set)
