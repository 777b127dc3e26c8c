"""Rows as the API shows them."""

from datetime import datetime
from typing import Any

from pharmacy.domain.held_for import HeldFor


def conversation_json(row: Any) -> dict[str, Any]:
    """Return a conversation's row as the API shows it."""
    return {
        "id": row.id,
        "patient_id": row.patient_id,
        "channel": row.channel,
        "version": row.version,
        "phase": row.phase,
        "category": row.category,
        "taken_over_by": row.taken_over_by,
        "claimed_by": row.claimed_by,
        "snoozed_until": _iso(row.snoozed_until),
        "last_message_at": _iso(row.last_message_at),
        "created_at": _iso(row.created_at),
        "suggestion_id": str(row.suggestion_id) if row.suggestion_id else None,
        "handover_id": str(row.handover_id) if row.handover_id else None,
        "tier": row.tier,
    }


def desk_json(row: Any) -> dict[str, Any]:
    """Return a row of the desk as the API shows it."""
    last = {"author": row.author, "kind": row.kind, "text": row.glimpse, "sent_at": _iso(row.sent_at)}
    return conversation_json(row) | {
        "tab": row.tab,
        "patient_name": row.patient_name,
        "last_message": last if row.author else None,
        "unanswered": row.messages_waiting,
        # What is left over where nothing waits was settled without words.
        "waiting_since": _iso(row.since) if row.tab != "done" else None,
        "reason_code": row.code,
        "acknowledged": row.acknowledged_at is not None if row.handover_id else None,
        "automatic": _automatic_json(row),
    }


def _automatic_json(row: Any) -> dict[str, Any] | None:
    """Return what became of the text that was to go out by itself, as long as the row is about it."""
    if row.text_state is None or not (row.tab == "automatic" or row.text_version == row.version):
        return None
    state = "sending" if row.text_state == "queued" and row.attempts else row.text_state
    return {
        "state": "held" if state == "queued" else state,
        "goes_at": _iso(row.not_before) if state == "queued" else None,
        "sent_at": _iso(row.text_sent_at),
        "problem": row.problem if state != "sent" else None,
        "problem_code": row.problem_code if state != "sent" else None,
        "may_have_arrived": row.in_doubt if state != "sent" else False,
    }


def message_json(row: Any) -> dict[str, Any]:
    """Return a message's row as the API shows it."""
    return {
        "id": row.id,
        "version": row.version,
        "author": row.author,
        "kind": row.kind,
        "text": row.text,
        "sent_by": row.sent_by,
        "sent_at": _iso(row.sent_at),
        "received_at": _iso(row.received_at),
        "answered": row.author != "patient" or row.outcome_id is not None,
        "media": _file_json(row) if row.file_state else None,
    }


def _file_json(row: Any) -> dict[str, Any]:
    """Return what is known of a message's file; the file itself has an address of its own."""
    return {
        "kind": row.file_kind,
        "state": row.file_state,
        "content_type": row.content_type,
        "size": row.size,
        "problem": row.file_problem,
    }


def suggestion_json(row: Any) -> dict[str, Any]:
    """Return a suggestion's row as the API shows it."""
    told = _readable(row.body)
    return {
        "id": str(row.id),
        "conversation_id": row.conversation_id,
        "run_id": str(row.run_id),
        "version": row.version,
        "state": row.state,
        "requested": row.requested,
        "category": row.category,
        "phase": row.phase,
        "text": row.text,
        "judgement": told.get("judgement") or {},
        "held_for": told["held_for"],
        "reached": told.get("reached") or [],
        "drafts": told["drafts"],
        "earlier_drafts": told["earlier_drafts"],
        "trail": told["trail"],
        "models": told["models"],
        "cost_usd": told["cost_usd"],
        "decided_by": row.decided_by,
        "decision": row.decision,
        "created_at": _iso(row.created_at),
        "shown_at": _iso(row.shown_at),
        "decided_at": _iso(row.decided_at),
    }


def _readable(body: Any) -> dict[str, Any]:
    """Return what a suggestion's record says, or that it cannot be read: one broken row must not hide the others."""
    shapes = {"held_for": list, "drafts": int, "earlier_drafts": list, "trail": list, "models": dict}
    fits = isinstance(body, dict) and all(isinstance(body.get(name), shape) for name, shape in shapes.items())
    if fits and "cost_usd" in body:
        return dict(body)
    nothing = {"drafts": 0, "earlier_drafts": [], "trail": [], "models": {}, "cost_usd": None}
    return nothing | {"held_for": [HeldFor.RECORD_UNREADABLE]}


def handover_json(row: Any) -> dict[str, Any]:
    """Return a handover's row as the API shows it; drafts are in the trail, each marked judged or not."""
    tier = {"tier": row.tier} if row.tier else {}
    return {
        "id": str(row.id),
        "conversation_id": row.conversation_id,
        "version": row.version,
        "state": row.state,
        "reason": {"code": row.code, **tier, "detail": row.detail},
        "reasons": row.reasons,
        "category": row.category,
        "phase": row.phase,
        "drafts": row.drafts,
        "acknowledged_by": row.acknowledged_by,
        "acknowledged_at": _iso(row.acknowledged_at),
        "alarm_level": row.alarm_level,
        "resolved_by": row.resolved_by,
        "resolution": row.resolution,
        "created_at": _iso(row.created_at),
        "updated_at": _iso(row.updated_at),
        "resolved_at": _iso(row.resolved_at),
    }


def unsent_json(row: Any) -> dict[str, Any]:
    """Return a text of the outbox that is on its way, or stuck."""
    return {
        "id": str(row.id),
        "state": row.state,
        "text": row.text,
        "problem": row.problem,
        "problem_code": row.problem_code,
        "may_have_arrived": row.in_doubt,
        "attempts": row.attempts,
        "sent_by": row.sent_by,
        "kind": row.kind,
        "automatic": row.automatic,
        "not_before": _iso(row.not_before),
        "created_at": _iso(row.created_at),
    }


def run_json(row: Any) -> dict[str, Any]:
    """Return the run in work."""
    asked = {"requested_by": row.requested_by, "node": row.node}
    return {"id": str(row.id), "started_at": _iso(row.started_at)} | asked


def call_json(row: Any) -> dict[str, Any]:
    """Return one call of a model; the values of its blanks, a patient's words, stay in the store."""
    names = (
        "node",
        "prompt_file",
        "prompt_fingerprint",
        "model_asked",
        "model_served",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "tokens_estimated",
        "cost_usd",
        "seconds",
        "waited_seconds",
        "attempt",
        "error",
    )
    return {name: getattr(row, name) for name in names} | {"started_at": _iso(row.started_at)}


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
