"""What is traced of a message: one run of the flow, one passage per node, under constant names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

ROOT = "reply"


@dataclass(frozen=True)
class Passage:
    """One node's passage."""

    node: str
    began_at: datetime
    ended_at: datetime
    by_model: bool
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Trace:
    """One message, as it was answered; it holds a patient's words and must be redacted before it leaves."""

    id: UUID
    """The run's own id, so that what a pharmacist decides later can be told to the same trace."""

    began_at: datetime
    ended_at: datetime
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    passages: tuple[Passage, ...]
    known_names: tuple[str, ...] = ()
    """Names that the store knows for this conversation: the patient's."""

    error: str | None = None


def passage_id(run_id: UUID, number: int, node: str) -> UUID:
    """Return the id of a run's passage in LangSmith, so that what is said of it there is known here.

    Args:
        number: its place in the run's trail, from 0.
    """
    return uuid5(run_id, f"{number}/{node}")
