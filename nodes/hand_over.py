"""Step 7c: call a person, saying why."""

from collections.abc import Sequence

from pharmacy.domain.gates.hit import GateHit, highest
from pharmacy.domain.outcome import Outcome, OutcomeKind, Reason


def hand_over(reason: Reason, category: str | None, phase: str) -> Outcome:
    """Return the outcome that gives the conversation to a pharmacist; the phase stays as it is."""
    return Outcome(OutcomeKind.HANDOVER, category, phase, reason=reason)


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
