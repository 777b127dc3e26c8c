"""Write what a run proposed: a suggestion or a handover, and the outcome of each message it answers."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier, highest
from pharmacy.domain.outcome import Outcome, OutcomeKind, Reason
from pharmacy.domain.outcome_json import drafts_json, hits_json, outcome_json, reason_json, steps_json
from pharmacy.storage import audit
from pharmacy.storage.notices import notify
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, handovers, messages, outcomes, suggestions

URGENCY = {Tier.E: 0, Tier.U: 1, Tier.H: 2, None: 3}
"""The human queue's order: the most pressing first."""


async def write(
    tx: AsyncConnection,
    pharmacy_id: str,
    conversation_id: str,
    version: int,
    run_id: UUID,
    outcome: Outcome,
    *,
    requested: bool,
) -> None:
    """Write `outcome` as the outcome of every patient message up to `version` that has none yet."""
    if outcome.kind is OutcomeKind.HANDOVER:
        await write_handover(tx, pharmacy_id, conversation_id, version, run_id, outcome)
    else:
        await _write_suggestion(tx, pharmacy_id, conversation_id, version, run_id, outcome, requested=requested)


async def write_handover(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int, run_id: UUID | None, outcome: Outcome
) -> None:
    """Open the conversation's case, or add to the open one; a case's tier never falls.

    Raises:
        ValueError: the outcome names no reason.
    """
    if outcome.reason is None:
        raise ValueError("write_handover: expected an outcome with a reason")
    scope = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id}
    where = (
        handovers.c.pharmacy_id == pharmacy_id,
        handovers.c.conversation_id == conversation_id,
        handovers.c.state == "open",
    )
    open_case = (await tx.execute(select(handovers).where(*where).with_for_update())).one_or_none()
    entry = storable({**reason_json(outcome.reason), "version": version, "hits": hits_json(outcome.reason.hits)})
    drafts = storable(drafts_json(outcome.drafts))
    if open_case is None:
        handover_id = uuid4()
        tier = outcome.reason.tier
        await tx.execute(
            insert(handovers).values(
                **scope,
                id=handover_id,
                version=version,
                state="open",
                code=outcome.reason.code,
                tier=tier,
                urgency=URGENCY[tier],
                detail=entry["detail"],
                category=outcome.category,
                phase=outcome.phase,
                reasons=[entry],
                drafts=drafts,
            )
        )
    else:
        handover_id = open_case.id
        await tx.execute(
            update(handovers)
            .where(handovers.c.id == handover_id)
            .values(**_joined(open_case, outcome.reason, entry, drafts, version))
        )
    await _record(tx, scope, version, run_id, outcome, handover_id=handover_id)


def _joined(
    case: Any, reason: Reason, entry: dict[str, Any], drafts: list[dict[str, Any]], version: int
) -> dict[str, Any]:
    before = Tier(case.tier) if case.tier else None
    tier = highest(t for t in (before, reason.tier) if t)
    worse = URGENCY[tier] < case.urgency
    told = {"code": reason.code, "detail": entry["detail"]} if worse else {}
    return {
        **told,
        "tier": tier,
        "urgency": URGENCY[tier],
        "version": version,
        "reasons": [*case.reasons, entry],
        "drafts": [*case.drafts, *drafts],
        "updated_at": func.now(),
    }


async def _write_suggestion(
    tx: AsyncConnection,
    pharmacy_id: str,
    conversation_id: str,
    version: int,
    run_id: UUID,
    outcome: Outcome,
    *,
    requested: bool,
) -> None:
    scope = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id}
    suggestion_id = uuid4()
    # One open suggestion per conversation: the newest.
    await tx.execute(
        update(suggestions)
        .where(
            suggestions.c.pharmacy_id == pharmacy_id,
            suggestions.c.conversation_id == conversation_id,
            suggestions.c.state == "open",
        )
        .values(state="superseded", decided_at=func.now(), decided_by="newer suggestion")
    )
    body = storable(
        outcome_json(outcome, conversation_id, version)
        | {
            "held_for": list(outcome.held_for),
            "earlier_drafts": drafts_json(outcome.drafts),
            "trail": steps_json(outcome.steps),
        }
    )
    await tx.execute(
        insert(suggestions).values(
            **scope,
            id=suggestion_id,
            run_id=run_id,
            version=version,
            state="open",
            requested=requested,
            category=outcome.category,
            phase=outcome.phase,
            text=storable(outcome.reply),
            body=body,
        )
    )
    await _record(tx, scope, version, run_id, outcome, suggestion_id=suggestion_id)


async def _record(
    tx: AsyncConnection,
    scope: dict[str, str],
    version: int,
    run_id: UUID | None,
    outcome: Outcome,
    *,
    suggestion_id: UUID | None = None,
    handover_id: UUID | None = None,
) -> None:
    conversation_id, outcome_id = scope["conversation_id"], uuid4()
    body = storable(outcome_json(outcome, conversation_id, version))
    body |= {
        name: str(value) for name, value in (("suggestion_id", suggestion_id), ("handover_id", handover_id)) if value
    }
    await tx.execute(
        insert(outcomes).values(
            **scope,
            id=outcome_id,
            version=version,
            run_id=run_id,
            kind=outcome.kind.value,
            suggestion_id=suggestion_id,
            handover_id=handover_id,
            body=body,
        )
    )
    await tx.execute(
        update(messages)
        .where(
            messages.c.pharmacy_id == scope["pharmacy_id"],
            messages.c.conversation_id == conversation_id,
            messages.c.author == "patient",
            messages.c.version <= version,
            messages.c.outcome_id.is_(None),
        )
        .values(outcome_id=outcome_id)
    )
    if outcome.category is not None:
        # What a person has set, only a person changes.
        await tx.execute(
            update(conversations)
            .where(
                conversations.c.pharmacy_id == scope["pharmacy_id"],
                conversations.c.id == conversation_id,
                conversations.c.category_set_by.is_(None),
            )
            .values(category=outcome.category)
        )
    await notify(tx, "outcome", f"{scope['pharmacy_id']}/{conversation_id}")
    said = {
        "outcome": outcome.kind.value,
        "version": version,
        "category": outcome.category,
        "phase": outcome.phase,
        "reason": outcome.reason.code if outcome.reason else None,
        "tier": _tier(outcome),
        "models": dict(outcome.models),
    }
    await audit.append(tx, scope["pharmacy_id"], "flow", "outcome_written", conversation_id, said)


def _tier(outcome: Outcome) -> str | None:
    return outcome.reason.tier.value if outcome.reason and outcome.reason.tier else None


async def outcome_of(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, message_id: str
) -> dict[str, Any] | None:
    """Return the JSON of the outcome that answers a message, or None while it has none."""
    found = await tx.execute(
        select(outcomes.c.body)
        .join(messages, messages.c.outcome_id == outcomes.c.id)
        .where(
            messages.c.pharmacy_id == pharmacy_id,
            messages.c.conversation_id == conversation_id,
            messages.c.id == message_id,
        )
    )
    body: dict[str, Any] | None = found.scalar_one_or_none()
    return body
