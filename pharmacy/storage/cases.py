"""Cases that wait for a person: opened or joined in one place, with the alarm and the fixed text that they set off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.fixed_texts import FixedTexts, category_of
from pharmacy.domain.gates.hit import Tier, highest
from pharmacy.domain.outcome import Reason
from pharmacy.domain.outcome_json import hits_json, reason_json
from pharmacy.storage import alarms
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.outbox_queue import Wording, queue
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, handovers, outbox

URGENCY = {Tier.E: 0, Tier.U: 1, Tier.H: 2, None: 3}
"""The human queue's order: the most pressing first."""

EMERGENCY_WAITS = timedelta(minutes=2)
"""How long an emergency waits for somebody to acknowledge it before it calls again, and wider."""

FIXED_BY = "fixed_text"


@dataclass(frozen=True)
class Bell:
    """What a case sets off: an alarm, and a fixed text to the patient where the pharmacy lets one go."""

    jobs: Jobs
    texts: FixedTexts

    def without_words(self) -> "Bell":
        """Return a bell that still alarms and says nothing to the patient."""
        return replace(self, texts=self.texts.silent())

    def due(self, tier: Tier, at: datetime) -> datetime:
        """Return when a case that called at `at` calls again unless somebody has acknowledged it."""
        return at + EMERGENCY_WAITS if tier is Tier.E else self.texts.hours.urgent_until(at)


@dataclass(frozen=True)
class Called:
    """Why a person is called to a conversation, and where it stands."""

    pharmacy_id: str
    conversation_id: str
    version: int
    reason: Reason
    category: str | None
    phase: str
    drafts: Sequence[dict[str, Any]] = ()


async def open_or_join(tx: AsyncConnection, bell: Bell | None, called: Called) -> UUID:
    """Open the conversation's case, or add to the open one, whose tier never falls; return its id.

    Args:
        bell: None only where nothing is to ring: a person is at it already.

    Raises:
        ValueError: a case of tier E or U without a bell.
    """
    reason = called.reason
    told = {**reason_json(reason), "version": called.version, "hits": hits_json(reason.hits), "node": reason.node,
            "said": reason.said, "category": called.category, "phase": called.phase}  # fmt: skip
    entry, drafts = storable(told), storable([*called.drafts])
    where = (handovers.c.pharmacy_id == called.pharmacy_id, handovers.c.state == "open",
             handovers.c.conversation_id == called.conversation_id)  # fmt: skip
    case = (await tx.execute(select(handovers).where(*where).with_for_update())).one_or_none()
    if case is None:
        row = {"id": uuid4(), "conversation_id": called.conversation_id, "version": called.version, "state": "open",
               "code": reason.code, "tier": reason.tier, "urgency": URGENCY[reason.tier], "detail": entry["detail"],
               "category": called.category, "phase": called.phase, "reasons": [entry], "drafts": drafts}  # fmt: skip
        await tx.execute(insert(handovers).values(**row, pharmacy_id=called.pharmacy_id))
    else:
        await tx.execute(update(handovers).where(*where).values(**_joined(case, called, entry, drafts)))
    now_open = (await tx.execute(select(handovers).where(*where))).one()
    await _ring(tx, bell, case, now_open, called)
    return UUID(str(now_open.id))


async def open_case(tx: AsyncConnection, conversation: Any, code: str, detail: str) -> None:
    """See to it that a person looks at the conversation, for a reason outside its messages."""
    await open_case_for(tx, None, conversation, Reason(code, detail))


async def open_case_for(tx: AsyncConnection, bell: Bell | None, conversation: Any, reason: Reason) -> None:
    """See to it that a person looks at the conversation, and is called where the reason has a tier that calls."""
    called = Called(
        conversation.pharmacy_id, conversation.id, conversation.version, reason, conversation.category,
        conversation.phase,
    )  # fmt: skip
    await open_or_join(tx, bell, called)


async def open_by_tier(tx: AsyncConnection, pharmacy_id: str) -> dict[Tier | None, int]:
    """Return how many cases of each tier wait, those of none included; a tier without a case counts 0."""
    found = select(handovers.c.tier, func.count().label("waiting")).where(
        handovers.c.pharmacy_id == pharmacy_id, handovers.c.state == "open"
    )
    counted = {row.tier: row.waiting for row in await tx.execute(found.group_by(handovers.c.tier))}
    return {tier: counted.get(tier, 0) for tier in URGENCY}


def _joined(case: Any, called: Called, entry: dict[str, Any], drafts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    before = Tier(case.tier) if case.tier else None
    tier = highest(t for t in (before, called.reason.tier) if t)
    worse = URGENCY[tier] < case.urgency
    told = {"code": called.reason.code, "detail": entry["detail"]} if worse else {}
    return {
        **told,
        "tier": tier,
        "urgency": URGENCY[tier],
        "version": called.version,
        "reasons": [*case.reasons, entry],
        "drafts": [*case.drafts, *drafts],
        "updated_at": func.now(),
    }


async def _ring(tx: AsyncConnection, bell: Bell | None, before: Any, case: Any, called: Called) -> None:
    """Write the alarm that the reason calls for, and the fixed text that the pharmacy lets go."""
    tier = called.reason.tier
    if bell is None:
        if tier in (Tier.E, Tier.U):
            raise ValueError(f"open_or_join: tier {tier!r} without a bell; expected one")
        return
    if tier in (Tier.E, Tier.U) and _calls(before, tier):
        at = datetime.now(UTC)
        await alarms.of_case(tx, bell.jobs, case, category_of(called.reason) or called.reason.code, tier, 0, at)
        calling = {"alarmed_at": at, "alarm_due_at": bell.due(tier, at), "alarm_level": 0, "acknowledged_at": None,
                   "acknowledged_by": None}  # fmt: skip
        await tx.execute(update(handovers).where(handovers.c.id == case.id).values(**calling))
    await _tell_patient(tx, bell, case, called)


def _calls(before: Any, tier: Tier) -> bool:
    """Return whether a reason of `tier` calls somebody anew.

    It calls even where somebody looks after the case already: they may not have read it.
    """
    if before is None or URGENCY[tier] < before.urgency:
        return True
    return before.acknowledged_at is not None


async def _tell_patient(tx: AsyncConnection, bell: Bell, case: Any, called: Called) -> None:
    text = bell.texts.for_case(called.reason, datetime.now(UTC))
    if text is None:
        return
    urgent = called.reason.tier is Tier.E
    # Of the texts without hurry a case has one at most: received, or closed.
    same = outbox.c.fixed_text == text.name if urgent else outbox.c.fixed_text.is_not(None)
    if (await tx.execute(select(outbox.c.id).where(outbox.c.handover_id == case.id, same).limit(1))).one_or_none():
        return
    mine = (conversations.c.pharmacy_id == called.pharmacy_id, conversations.c.id == called.conversation_id)
    conversation = (await tx.execute(select(conversations).where(*mine))).one()
    # The words for an emergency go whatever else is stopped; their own switch is the setting that lets them go at all.
    await queue(
        tx, bell.jobs, conversation, Wording(text.words, author="machine"), FIXED_BY,
        kind="fixed", automatic=not urgent, urgent=urgent, of_case=(case.id, text.name),
    )  # fmt: skip
