"""Step 7a: propose a draft that cleared every bar to a pharmacist."""

from collections.abc import Iterable, Sequence

from nodes.screen import Standing
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind
from pharmacy.domain.policy import InForce, Mode


def suggest(draft: Draft, category: str, phase: str, held_for: tuple[str, ...] = ()) -> Outcome:
    """Return the outcome that shows `draft` to a pharmacist."""
    return Outcome(OutcomeKind.SUGGESTION, category, phase, draft.text, draft.judgement, held_for=held_for)


def reasons_to_hold(
    standing: Standing,
    drafts: Sequence[Draft],
    *,
    requested: bool,
    fallback_used: bool,
    hits: Sequence[GateHit],
    classified_clear: bool,
    listed: Mode,
    policy: InForce,
    unfit: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return why a good draft may still not go out by itself; empty means that nothing stands against it.

    Args:
        drafts: the run's drafts, the good one last; words that were marked down before are for a person to weigh.
        hits: every gate that was found, those included that a pharmacist's request has lifted.
        classified_clear: no model saw a danger, or a known opening named the category and no model was asked.
        listed: what the policy says of category and phase, the kill switch aside.
        unfit: what stands against the words themselves.
    """
    judgement = drafts[-1].judgement
    held = {
        "requested": requested,
        "first_contact": standing.first_contact,
        "redelivered": standing.redelivered,
        "consent_unknown": standing.patient.consent.replies is not True,
        "provider_fallback": fallback_used,
        "marked_down_before": drafts[-1].text in {draft.text for draft in drafts[:-1]},
        "gate_hit": bool(hits) or not classified_clear,
        "not_judged": judgement is None or not judgement.clears,
        "not_allow_listed": listed is not Mode.AUTO,
        policy.refusal: listed is Mode.AUTO and bool(policy.refusal),
    }
    return (*(name for name, holds in held.items() if holds), *unfit)
