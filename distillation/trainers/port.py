"""What every trainer can do: say what it will cost, begin, tell how it goes, stop, and hand over its model."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from distillation.trainers.training_file import TrainingFile

Told = Callable[[str], None]
"""Is told in a few words what is being done."""


class TrainerRefused(Exception):
    """A trainer cannot or may not do it: says what, why, and what a person can do."""


class TrainerSilent(Exception):
    """A trainer could not be reached in time: says whom, and that nothing is lost."""


class State(StrEnum):
    """How far a job is."""

    CREATING = "creating"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Order:
    """What is to be trained, from what."""

    node: str
    base: str
    """The model to begin from, as `provider:name`."""

    prompt_fingerprint: str
    """12 hex digits of the prompt that every row stands under; the student is served with no other."""

    train: TrainingFile
    validation: TrainingFile | None = None
    dataset: str | None = None
    """The dataset version that the rows are of; None for a plain file."""

    seed: int = 1
    epochs: int | None = None
    """How often each row is seen; None leaves it to the trainer."""

    @property
    def key(self) -> str:
        """32 hex digits over everything that makes two orders the same: the same is never trained twice."""
        words = [self.node, self.base, self.prompt_fingerprint, self.train.sha256, self.seed, self.epochs,
                 self.validation.sha256 if self.validation else None]  # fmt: skip
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Estimate:
    """What an order will come to, before anything is sent."""

    rows: int
    epochs: int
    trained_tokens: int
    """About how many, passes counted; local counting is no bill."""

    cost_usd: float | None
    """None when nobody knows the price."""

    warnings: tuple[str, ...] = ()
    """What a person should know before they say yes; one sentence each."""


@dataclass(frozen=True)
class Job:
    """A job as its trainer shows it."""

    id: str
    state: State
    base: str
    model: str | None = None
    """The student as `provider:name`; None until there is one."""

    trained_tokens: int | None = None
    cost_usd: float | None = None
    """None before the end, or when nobody knows the price."""

    epochs: int | None = None
    seed: int | None = None
    problem: str | None = None
    """Why it failed, as the trainer says it."""


@dataclass(frozen=True)
class Event:
    """One thing that a trainer tells of a job."""

    id: str
    at: datetime
    said: str
    step: int | None = None
    steps: int | None = None
    """How many there will be."""

    loss: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A student from the middle of a job; it can be asked as the last one can."""

    model: str
    step: int
    loss: float | None


class Trainer(Protocol):
    """One way to train a student."""

    name: str

    def estimate(self, order: Order) -> Estimate:
        """Return what the order will come to; nothing is sent anywhere.

        Raises:
            TrainerRefused: it cannot be trained here.
        """
        ...

    async def start(self, order: Order, told: Told) -> Job:
        """Return the order's job, begun now, or the one that is at work on the same order already.

        Raises:
            TrainerRefused, TrainerSilent
        """
        ...

    async def look(self, job_id: str) -> Job:
        """Return the job as it stands.

        Raises:
            TrainerRefused, TrainerSilent
        """
        ...

    async def events(self, job_id: str, seen: frozenset[str]) -> Sequence[Event]:
        """Return what was told of the job and is not among `seen`, oldest first."""
        ...

    async def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """Return the job's checkpoints, newest first."""
        ...

    async def cancel(self, job_id: str) -> Job:
        """Stop the job; one that has ended stays as it is."""
        ...

    async def release(self, job_id: str) -> int:
        """Take back what was handed over for a job that has ended, and return how many files that were."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
