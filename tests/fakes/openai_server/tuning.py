"""What the stand-in knows of fine-tuning: its jobs, what its models were trained on, and how jobs go wrong."""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.fakes.openai_server.student import Student, fitted
from tests.fakes.openai_server.tuning_rows import Row

METHODS: Mapping[str, frozenset[str]] = {
    "gpt-4o-2024-08-06": frozenset({"supervised", "dpo"}),
    "gpt-4o-mini-2024-07-18": frozenset({"supervised", "dpo"}),
    "gpt-4.1-2025-04-14": frozenset({"supervised", "dpo"}),
    "gpt-4.1-mini-2025-04-14": frozenset({"supervised", "dpo"}),
}
"""Model to the methods by which it can be tuned."""

LAST_NEW_JOBS = date(2027, 1, 6)
ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass
class Job:
    """One fine-tuning job."""

    shown: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    """Oldest first."""

    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    wants_cancel: bool = False

    def say(self, message: str, level: str = "info", figures: Mapping[str, Any] | None = None) -> None:
        """Write an event."""
        self.events.append({
            "object": "fine_tuning.job.event", "id": f"ftevent-{uuid.uuid4().hex[:22]}", "level": level,
            "created_at": int(time.time()), "message": message, "type": "metrics" if figures else "message",
            "data": dict(figures or {}),
        })  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.shown["status"] in ENDED


@dataclass
class Tuning:
    """All jobs, and how they go."""

    jobs: dict[str, Job] = field(default_factory=dict)
    """Oldest first."""

    step_seconds: float = 0.01
    """How long each stage of a job takes."""

    may_create: bool = True
    """False: the organisation may create no new jobs."""

    keeps_metadata: bool = True
    """False: as with other makers' servers, a job's metadata is forgotten."""

    fails_while_running: bool = False
    """True: the job fails at the provider, through no fault of the file."""

    held: threading.Event = field(default_factory=threading.Event)
    """While set, a running job goes no further."""

    students: dict[str, Student] = field(default_factory=dict)
    """Model to what it answers by; a model without one is answered for by the script."""

    known: dict[str, Sequence[Row]] = field(default_factory=dict)
    """Base model to what it knew before it was tuned."""

    def know(self, model: str, rows: Sequence[Row]) -> None:
        """Let a base model answer by what `rows` teach; a model tuned from it knows them too."""
        self.known[model] = rows
        self.students[model] = fitted(rows, 1)
