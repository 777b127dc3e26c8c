"""Step 7b: propose that a draft goes out by itself; the sending is not done here."""

from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind


def auto_send(draft: Draft, category: str, phase: str) -> Outcome:
    """Return the outcome that lets `draft` go out without a pharmacist's hand."""
    return Outcome(OutcomeKind.AUTO_SENT, category, phase, draft.text, draft.judgement)
