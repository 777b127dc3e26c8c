"""What a run carries from node to node, and what is handed to it."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Protocol, Required

from pydantic import GetPydanticSchema
from pydantic_core import core_schema
from typing_extensions import TypedDict

from nodes.classify import Classification
from nodes.screen import Standing
from nodes.switch_phase import PhaseSwitch
from nodes.triage import Triage
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.conversation import Transcript
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.judgement import Judgement
from pharmacy.domain.model import ChatModel, Early, ModelCall
from pharmacy.domain.outcome import Draft, Outcome, Reason, Step
from pharmacy.domain.policy import InForce
from pharmacy.domain.profile import Profile

if TYPE_CHECKING:
    from graph.ahead import Ahead


@dataclass(frozen=True)
class Request:
    """What a run is asked to answer."""

    transcript: Transcript
    standing: Standing
    phase: str
    requested: bool = False
    """True when a pharmacist asked for this draft: then only an emergency stands in its way."""

    instruction: str = ""
    """The pharmacist's wish for the draft, or empty."""

    category: str | None = None
    """A category that a pharmacist set; None leaves it to the flow."""

    earlier: tuple[Draft, ...] = ()
    """Drafts of this message that were refused before; a new one must differ."""


def _first(left: Reason | None, right: Reason | None) -> Reason | None:
    return left or right


class FlowState(TypedDict, total=False):
    """The blackboard of one run; no two nodes that run side by side write one key, but `steps` and `fault`."""

    request: Required[Request]
    screened: tuple[GateHit, ...]
    triage: Triage
    classification: Classification
    switch: PhaseSwitch
    category: str | None
    phase: str
    drafts: tuple[Draft, ...]
    judgement: Judgement | None
    reason: Reason | None
    fault: Annotated[Reason | None, _first]
    steps: Annotated[tuple[Step, ...], operator.add]
    held_for: tuple[HeldFor, ...]
    outcome: Outcome


class RunModels(Protocol):
    """The models of one run, with what they have cost so far."""

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return the model that serves `node`; after the first draft, its teacher. `early` hears its first fields."""
        ...

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far, failed ones included."""
        ...

    @property
    def fallback_used(self) -> bool:
        """True when a call was answered by a node's fallback."""
        ...


def _unwatched(_node: str) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class RunContext:
    """What one run may use."""

    # Whoever asks the graph for the schema of its context, as Studio does, is told nothing of this one.
    models: Annotated[RunModels, GetPydanticSchema(lambda *_: core_schema.any_schema())]
    catalogue: Catalogue
    policy: InForce = field(default_factory=InForce)
    """What the pharmacy lets go out by itself; without one, nothing."""

    profile: Profile = Profile.THRIFTY
    """How much may be begun early."""

    ahead: Annotated["Ahead | None", GetPydanticSchema(lambda *_: core_schema.any_schema())] = None
    """What has begun early in this run; without it, nothing does."""

    begins: Annotated[Callable[[str], None], GetPydanticSchema(lambda *_: core_schema.any_schema())] = field(
        default_factory=lambda: _unwatched
    )
    """Told each node's name as it begins its work; it must return at once."""
