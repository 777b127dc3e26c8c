"""What a run proposes: one of three outcomes, with why and how it came about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.held_for import HeldFor, Reached
from pharmacy.domain.judgement import Judgement


class OutcomeKind(StrEnum):
    """How a run ends."""

    SUGGESTION = "suggestion"
    AUTO_SENT = "auto_sent"
    HANDOVER = "handover"


@dataclass(frozen=True)
class Reason:
    """Why a person has to look."""

    code: str
    """One word: a gate's or an error's code, such as `triage`, `open_case`, `drafts_used_up`."""

    detail: str
    """What a pharmacist reads: the rule, the value, the limit."""

    tier: Tier | None = None
    hits: tuple[GateHit, ...] = ()
    node: str = ""
    """Which node it comes from, where one node alone has said it."""

    said: str = ""
    """That node's own words for it: a model's reason, or the value that fell short with its limit."""


@dataclass(frozen=True)
class Draft:
    """One text that a generator wrote, with what the judge said of it."""

    text: str
    judgement: Judgement | None = None
    """None while unjudged."""


@dataclass(frozen=True)
class Step:
    """One node's passage in a run's trail."""

    node: str
    seconds: float
    says: str
    """The node's answer in one line, without a patient's words."""


@dataclass(frozen=True)
class Outcome:
    """A run's proposal; nothing of it has been written or sent."""

    kind: OutcomeKind
    category: str | None
    phase: str
    """The phase the conversation would be in; it becomes so when the reply is sent."""

    reply: str | None = None
    judgement: Judgement | None = None
    reason: Reason | None = None
    held_for: tuple[HeldFor, ...] = ()
    """Why a good draft still waits for a pharmacist."""

    reached: tuple[Reached, ...] = ()
    """The values behind `held_for`, where it is a matter of more or less."""

    drafts: tuple[Draft, ...] = ()
    steps: tuple[Step, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    """Node to the model that answered it."""

    cost_usd: float | None = 0.0
    """None when a model's price is unknown."""
