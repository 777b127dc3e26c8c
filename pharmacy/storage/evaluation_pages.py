"""Page through evaluations, the newest first, those that are not ended among them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.evaluations import Evaluation
from pharmacy.storage.paging import CursorUnreadable, cursor, read_cursor
from pharmacy.storage.tables import evaluations


async def page_of(
    tx: AsyncConnection, pharmacy_id: str, node: str | None, limit: int, after: str | None
) -> tuple[list[Evaluation], str | None]:
    """Return one page, and the cursor of the next one or None.

    Args:
        node: only its own.
        after: the cursor of the page before.

    Raises:
        CursorUnreadable: `after` comes from no page of this list.
    """
    where = [evaluations.c.pharmacy_id == pharmacy_id]
    where += [evaluations.c.node == node] if node else []
    where += [tuple_(evaluations.c.at, evaluations.c.id) < _after(after)] if after else []
    order = (evaluations.c.at.desc(), evaluations.c.id.desc())
    rows = (await tx.execute(select(evaluations).where(*where).order_by(*order).limit(limit + 1))).all()
    found = [Evaluation(**{name: getattr(row, name) for name in Evaluation.__annotations__}) for row in rows[:limit]]
    return found, cursor([found[-1].at.isoformat(), str(found[-1].id)]) if len(rows) > limit else None


def _after(given: str) -> tuple[datetime, UUID]:
    at, which = read_cursor(given, (datetime, str))
    try:
        return at, UUID(which)
    except ValueError:
        raise CursorUnreadable(f"cursor = {given[:80]!r}: expected the `next` of an earlier page") from None
