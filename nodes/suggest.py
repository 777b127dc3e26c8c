"""Step 7a: propose a draft that cleared every bar to a pharmacist."""

from collections.abc import Sequence

from nodes.screen import Standing
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind


def suggest(draft: Draft, category: str, phase: str, held_for: tuple[str, ...] = ()) -> Outcome:
    """Return the outcome that shows `draft` to a pharmacist."""
    return Outcome(OutcomeKind.SUGGESTION, category, phase, draft.text, draft.judgement, held_for=held_for)


def reasons_to_hold(
    standing: Standing, drafts: Sequence[Draft], *, requested: bool, fallback_used: bool, allowed: bool
) -> tuple[str, ...]:
    """Return why a good draft may still not go out by itself; empty means that nothing stands against it.

    Args:
        drafts: the run's drafts, the good one last; words that were marked down before are for a person to weigh.
        allowed: category and phase are on the pharmacy's list for automatic sending.
    """
    held = {
        "requested": requested,
        "first_contact": standing.first_contact,
        "consent_unknown": standing.patient.consent.replies is not True,
        "provider_fallback": fallback_used,
        "marked_down_before": drafts[-1].text in {draft.text for draft in drafts[:-1]},
        "not_allow_listed": not allowed,
    }
    return tuple(name for name, holds in held.items() if holds)
