"""Step 4: join category and phase, and see whether a machine may answer this category."""

from dataclasses import dataclass, replace

from nodes.classify import Classification
from nodes.hand_over import holds
from nodes.switch_phase import PhaseSwitch
from pharmacy.domain.flow import AnsweredBy, Category, Flow
from pharmacy.domain.outcome import Reason
from pharmacy.domain.policy import InForce, Mode


@dataclass(frozen=True)
class Choice:
    """What is to be written, or why a person has to."""

    category: str
    phase: str
    reason: Reason | None = None


def choose(
    classification: Classification, switch: PhaseSwitch, flow: Flow, policy: InForce, *, requested: bool
) -> Choice:
    """Return category and phase, with the reason for a handover where one is needed.

    Args:
        requested: a pharmacist asked for the draft; then only an emergency stands in the way of one.
    """
    safety, category = classification.safety, flow.categories[classification.category]
    reason = left_to_a_person(category, classification.reason)
    if reason is None and not requested:
        reason = switched_off(category.name, switch.phase, policy)
    if holds(safety.tier, requested=requested):
        reason = Reason("safety_class", f"classify: {safety}: {classification.reason}", safety.tier)
    if reason is not None and reason.code != "off_by_policy":
        reason = replace(reason, node="classify", said=classification.reason)
    return Choice(category.name, switch.phase, reason)


def left_to_a_person(category: Category, why: str) -> Reason | None:
    """Return the reason for a handover when no machine may answer `category`, else None."""
    if category.answered_by is AnsweredBy.PHARMACIST:
        return Reason("pharmacist_only", f"{category.name}: {why}")
    return None


def switched_off(category: str, phase: str, policy: InForce) -> Reason | None:
    """Return the reason for a handover when the policy wants no drafts of `category` in `phase`, else None."""
    if policy.mode_of(category, phase) is Mode.OFF:
        return Reason("off_by_policy", f"{category}, {phase}: off in version {policy.version} of the policy")
    return None
