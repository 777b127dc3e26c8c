"""Step 7a: propose a draft that cleared every bar to a pharmacist."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nodes.screen import Standing
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.held_for import HeldFor, Reached
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind
from pharmacy.domain.policy import InForce, Mode


def suggest(
    draft: Draft, category: str, phase: str, held_for: tuple[HeldFor, ...] = (), reached: tuple[Reached, ...] = ()
) -> Outcome:
    """Return the outcome that shows `draft` to a pharmacist.

    Args:
        reached: the values behind `held_for`.
    """
    shown = Outcome(OutcomeKind.SUGGESTION, category, phase, draft.text, draft.judgement)
    return replace(shown, held_for=held_for, reached=reached)


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
    unfit: Iterable[HeldFor] = (),
) -> tuple[HeldFor, ...]:
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
        HeldFor.REQUESTED: requested,
        HeldFor.FIRST_CONTACT: standing.first_contact,
        HeldFor.REDELIVERED: standing.redelivered,
        HeldFor.CONSENT_UNKNOWN: standing.patient.consent.replies is not True,
        HeldFor.PROVIDER_FALLBACK: fallback_used,
        HeldFor.MARKED_DOWN_BEFORE: drafts[-1].text in {draft.text for draft in drafts[:-1]},
        HeldFor.GATE_HIT: bool(hits) or not classified_clear,
        HeldFor.NOT_JUDGED: judgement is None or not judgement.clears,
        HeldFor.NOT_ALLOW_LISTED: listed is not Mode.AUTO,
    }
    stopped = [policy.refusal] if listed is Mode.AUTO and policy.refusal else []
    return (*(name for name, holds in held.items() if holds), *stopped, *unfit)
