"""When a fixed text that waits would say what is no longer true: its case is closed, or its time has passed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.fixed_texts import FixedTexts
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.storage.tables import handovers

EMERGENCY_LIVES = timedelta(minutes=30)
"""Later, the words for an emergency would frighten, and a person has to call."""


async def expired(tx: AsyncConnection, texts: FixedTexts, row: Any) -> Problem | None:
    """Return why the fixed text of an outbox row may not go any more, or None."""
    now = datetime.now(UTC)
    if row.handover_id is not None and not await _is_open(tx, row):
        return Problem(UnsentFor.CASE_CLOSED, "its case is closed")
    # Of the fixed texts, only those for an emergency are not automatic: nothing but their own setting stops them.
    if not row.automatic and now - row.created_at > EMERGENCY_LIVES:
        told = f"the words for an emergency are older than {EMERGENCY_LIVES.seconds // 60} minutes"
        return Problem(UnsentFor.EMERGENCY_PASSED, told)
    if row.fixed_text == texts.closed.name and texts.hours.next_opening(row.created_at) <= now:
        return Problem(UnsentFor.OPENING_PASSED, "the opening time that it names has passed")
    return None


async def _is_open(tx: AsyncConnection, row: Any) -> bool:
    mine = (handovers.c.pharmacy_id == row.pharmacy_id, handovers.c.id == row.handover_id, handovers.c.state == "open")
    return (await tx.execute(select(handovers.c.id).where(*mine))).one_or_none() is not None
