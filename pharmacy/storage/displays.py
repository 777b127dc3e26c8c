"""Who has had which draft on the screen, and since when: written once, waking nobody and holding no conversation."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import displays, suggestions


async def note(tx: AsyncConnection, pharmacy_id: str, suggestion_id: UUID, actor: str) -> datetime:
    """Note that the draft is on the person's screen, and return since when it first was.

    Raises:
        NotHere: this pharmacy has no such suggestion.
    """
    mine = (suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.id == suggestion_id)
    told = [suggestions.c.pharmacy_id, suggestions.c.id, literal(actor), suggestions.c.conversation_id]
    # The draft's own row is held for this one statement: a draft that is being erased leaves nothing behind.
    draft = select(*told).where(*mine).with_for_update(read=True, key_share=True)
    names = ["pharmacy_id", "suggestion_id", "shown_to", "conversation_id"]
    await tx.execute(insert(displays).from_select(names, draft).on_conflict_do_nothing())
    its_own = (displays.c.pharmacy_id == pharmacy_id, displays.c.suggestion_id == suggestion_id)
    at: datetime | None = (
        await tx.execute(select(displays.c.at).where(*its_own, displays.c.shown_to == actor))
    ).scalar_one_or_none()
    if at is None:
        raise NotHere(f"suggestion {str(suggestion_id)!r}: there is none")
    return at


def first_shown() -> ScalarSelect[Any]:
    """Return the column, beside those of a suggestion, that says since when somebody has had it on the screen."""
    same = (displays.c.pharmacy_id == suggestions.c.pharmacy_id, displays.c.suggestion_id == suggestions.c.id)
    return select(func.min(displays.c.at)).where(*same).correlate(suggestions).scalar_subquery()
