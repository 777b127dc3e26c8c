"""What the audit trail says of a run's outcome: ids, codes, marks and fingerprints, never words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.outcome_json import reached_json


def told_of_outcome(outcome: Outcome, version: int, run_id: UUID | None, calls: Sequence[ModelCall]) -> dict[str, Any]:
    """Return who spoke under which words, what the gates and the judge found, and what came of it.

    Args:
        run_id: None for an emergency, which no model has seen.
        calls: every call of the run, failed ones included.
    """
    reason = outcome.reason
    return {
        "outcome": outcome.kind.value,
        "version": version,
        "run": str(run_id) if run_id else None,
        "category": outcome.category,
        "phase": outcome.phase,
        "reason": reason.code if reason else None,
        "tier": reason.tier.value if reason and reason.tier else None,
        "gates": sorted({hit.rule for hit in reason.hits}) if reason else [],
        "held_for": list(outcome.held_for),
        "reached": reached_json(outcome.reached),
        "drafts": len(outcome.drafts),
        "marks": {name: [of.mark, of.bar] for name, of in outcome.judgement.marks.items()} if outcome.judgement else {},
        "blocked": len(outcome.judgement.blocked) if outcome.judgement else 0,
        **_told_of_calls(outcome, calls),
    }


def _told_of_calls(outcome: Outcome, calls: Sequence[ModelCall]) -> dict[str, Any]:
    return {
        "models": dict(outcome.models) or {call.node: call.model_served or call.model_asked for call in calls},
        "prompts": {call.node: call.prompt_fingerprint for call in calls},
        "attempts": dict(Counter(call.node for call in calls)),
        "failed": dict(Counter(call.node for call in calls if call.error)),
    }
