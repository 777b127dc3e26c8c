"""Step 4: join category and phase, and see whether a machine may answer this category."""

from dataclasses import dataclass

from nodes.classify import Classification
from nodes.hand_over import holds
from nodes.switch_phase import PhaseSwitch
from pharmacy.domain.flow import AnsweredBy, Category, Flow
from pharmacy.domain.outcome import Reason


@dataclass(frozen=True)
class Choice:
    """What is to be written, or why a person has to."""

    category: str
    phase: str
    reason: Reason | None = None


def choose(classification: Classification, switch: PhaseSwitch, flow: Flow, *, requested: bool) -> Choice:
    """Return category and phase, with the reason for a handover where one is needed.

    Args:
        requested: a pharmacist asked for the draft; then only an emergency stands in the way of one.
    """
    safety, category = classification.safety, flow.categories[classification.category]
    reason = left_to_a_person(category, classification.reason)
    if holds(safety.tier, requested=requested):
        reason = Reason("safety_class", f"classify: {safety}: {classification.reason}", safety.tier)
    return Choice(category.name, switch.phase, reason)


def left_to_a_person(category: Category, why: str) -> Reason | None:
    """Return the reason for a handover when no machine may answer `category`, else None."""
    if category.answered_by is AnsweredBy.PHARMACIST:
        return Reason("pharmacist_only", f"{category.name}: {why}")
    return None
