"""An outcome as JSON, the same in the API, the records and the command line."""

from collections.abc import Sequence
from typing import Any

from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.held_for import Reached
from pharmacy.domain.judgement import Judgement
from pharmacy.domain.outcome import Draft, Outcome, Reason, Step


def outcome_json(outcome: Outcome, conversation_id: str, version: int) -> dict[str, Any]:
    """Return the outcome with its fixed names; reply, judgement and reason only where there are any."""
    body: dict[str, Any] = {
        "outcome": outcome.kind.value,
        "conversation_id": conversation_id,
        "version": version,
        "category": outcome.category,
        "phase": outcome.phase,
        "drafts": len(outcome.drafts),
        "cost_usd": outcome.cost_usd,
        "models": dict(outcome.models),
    }
    if outcome.reply is not None:
        body["reply"] = outcome.reply
    if outcome.judgement is not None:
        body["judgement"] = judgement_json(outcome.judgement)
    if outcome.reason is not None:
        body["reason"] = reason_json(outcome.reason)
    return body


def reason_json(reason: Reason) -> dict[str, Any]:
    """Return `{"code", "tier"?, "detail"}`."""
    tier = {"tier": reason.tier.value} if reason.tier else {}
    return {"code": reason.code, **tier, "detail": reason.detail}


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """Return `{criterion: {"mark", "bar", "reason"}}`."""
    return {name: {"mark": m.mark, "bar": m.bar, "reason": m.reason} for name, m in judgement.marks.items()}


def drafts_json(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Return each draft with its judgement, null while unjudged, and what the output gate blocked."""
    return [
        {
            "text": draft.text,
            "judgement": judgement_json(draft.judgement) if draft.judgement else None,
            "blocked": list(draft.judgement.blocked) if draft.judgement else [],
        }
        for draft in drafts
    ]


def reached_json(reached: Sequence[Reached]) -> list[dict[str, Any]]:
    """Return each value with its limit, under the code that it belongs to."""
    return [
        {"code": each.code.value, "criterion": each.criterion, "reached": each.reached, "limit": each.limit}
        for each in reached
    ]


def steps_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the trail, in the order walked."""
    return [{"node": step.node, "seconds": round(step.seconds, 6), "says": step.says} for step in steps]


def hits_json(hits: Sequence[GateHit]) -> list[dict[str, Any]]:
    """Return each gate's hit; the span counts characters of the normalised text."""
    return [{"rule": h.rule, "tier": h.tier.value, "span": list(h.span), "matched": h.matched} for h in hits]
