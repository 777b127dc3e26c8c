"""What calls for a pharmacist: how much waits, and whether something of it is new."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier
from pharmacy.storage import desk
from pharmacy.storage.tables import handovers, suggestions


async def attention(tx: AsyncConnection, pharmacy_id: str) -> dict[str, Any]:
    """Return how much waits, and a number each for drafts, cases and emergencies that is higher once one is new.

    A count alone would miss what comes in the moment in which something else is decided.
    """
    counted = await desk.counts(tx, pharmacy_id)
    drafts = select(func.coalesce(func.max(suggestions.c.seq), 0))
    drafts = drafts.where(suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.state == "open")
    newest = func.coalesce(func.max(handovers.c.seq), 0)
    pressing = func.coalesce(func.max(handovers.c.seq).filter(handovers.c.tier == Tier.E), 0)
    cases = select(newest.label("any"), pressing.label("pressing"))
    cases = cases.where(handovers.c.pharmacy_id == pharmacy_id, handovers.c.state == "open")
    found = (await tx.execute(cases)).one()
    return {
        "waiting": counted["tabs"]["check"],
        "emergencies": counted["emergencies"],
        "newest_draft": int((await tx.execute(drafts)).scalar_one()),
        "newest_case": int(found.any),
        "newest_emergency": int(found.pressing),
    }
