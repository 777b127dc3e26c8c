"""What a gate says when it holds a message: the rule, the tier, the place in the text."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """How fast a person must look. Source: the pharmacy's triage table, after common triage guidance."""

    E = "E"
    """Emergency: a person at once, no generated text at all."""

    U = "U"
    """Urgent: a person the same day."""

    H = "H"
    """Human: a person, without hurry."""


@dataclass(frozen=True)
class GateHit:
    """One rule that holds one message."""

    rule: str
    """The rule's name in its file, such as `emergency_cardio_resp.chest_pressure`."""

    tier: Tier
    span: tuple[int, int]
    """Start and end in the normalised text, in characters; (0, 0) for a gate that reads no text."""

    matched: str
    """The normalised words of the span."""


def highest(tiers: Iterable[Tier]) -> Tier | None:
    """Return the most pressing of `tiers`, E before U before H, or None when there is none."""
    return min(tiers, key="EUH".index, default=None)
