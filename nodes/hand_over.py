"""Step 7c: call a person, saying why."""

from collections.abc import Sequence
from dataclasses import replace

from pharmacy.domain.gates.hit import GateHit, Tier, highest
from pharmacy.domain.outcome import Outcome, OutcomeKind, Reason


def hand_over(reason: Reason, category: str | None, phase: str) -> Outcome:
    """Return the outcome that gives the conversation to a pharmacist; the phase stays as it is."""
    return Outcome(OutcomeKind.HANDOVER, category, phase, reason=reason)


def holds(tier: Tier | None, *, requested: bool) -> bool:
    """Return whether `tier` stands in the way of a draft.

    Args:
        requested: a pharmacist asked for the draft; then only an emergency does.
    """
    return tier is Tier.E if requested else tier is not None


def gate_reason(hits: Sequence[GateHit]) -> Reason:
    """Return the reason that `hits` amount to: the code of the most pressing one, the highest tier of all.

    Raises:
        ValueError: there is no hit.
    """
    tier = highest(hit.tier for hit in hits)
    if tier is None:
        raise ValueError("gate_reason: expected at least one hit")
    first = next(hit for hit in hits if hit.tier is tier)
    family, _, rule = first.rule.partition(".")
    code = rule if family == "screen" else "patient_profile" if family == "profile" else "triage"
    detail = "; ".join(f"{hit.rule}: {hit.matched}" if hit.matched else hit.rule for hit in hits)
    return Reason(code, detail, tier, tuple(hits))


def with_gates(reason: Reason, hits: Sequence[GateHit], named: Tier | None = None) -> Reason:
    """Return `reason` with every hit, and with the highest tier that anything found: nothing lowers a gate.

    Args:
        named: the tier of the classifier's safety class, or None.
    """
    merged = tuple(dict.fromkeys((*reason.hits, *hits)))
    tiers = (reason.tier, named, *(hit.tier for hit in merged))
    return replace(reason, tier=highest(tier for tier in tiers if tier), hits=merged)
