"""Step 4: join category and phase, and see whether a machine may answer this category."""

from dataclasses import dataclass

from nodes.classify import Classification, Safety
from nodes.switch_phase import PhaseSwitch
from pharmacy.domain.flow import AnsweredBy, Flow
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
    held = classification.safety is Safety.EMERGENCY or (classification.safety is not Safety.CLEAR and not requested)
    if held:
        detail = f"classify: {classification.safety}: {classification.reason}"
        reason = Reason("safety_class", detail, classification.safety.tier)
    elif flow.categories[classification.category].answered_by is AnsweredBy.PHARMACIST:
        reason = Reason("pharmacist_only", f"{classification.category}: {classification.reason}")
    else:
        reason = None
    return Choice(classification.category, switch.phase, reason)
