"""The queue as rows: who waits, for how long, and how pressing that is."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pharmacy.domain.business_hours import BusinessHours
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.waiting import Colour, waited
from pharmacy.storage import desk
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from server.console.view import View
from server.program import Program

PAGE_ROWS = 50
PINNED_ROWS = 5
"""Emergencies that stand above a page that does not list them; on a day of more than these, a link leads to all."""


@dataclass(frozen=True)
class Rows:
    """One page of the queue."""

    items: list[dict[str, Any]]
    next: str | None
    pinned: list[dict[str, Any]]
    """The open emergencies that `items` does not show, the one that has waited longest first; at most PINNED_ROWS."""

    more_pinned: bool
    """Whether there are more of them."""


async def rows_of(tx: Transaction, program: Program, by: Caller, view: View, after: str | None) -> Rows:
    """Return the page of the queue that `view` lists, each row with how long its patient has waited.

    Raises:
        CursorUnreadable: `after` comes from no page of this tab.
    """
    now, hours = datetime.now(UTC), program.bell.texts.hours
    wanted = replace(view.wanted(by.actor), answered_by_machines=hours.answered_by_machines)
    found = await desk.list_rows(tx, by.pharmacy_id, wanted, limit=PAGE_ROWS, after=after)
    shown = {row["id"] for row in found.items}
    pinned = [row for row in await desk.emergencies(tx, by.pharmacy_id, PAGE_ROWS) if row["id"] not in shown]
    items, above = ([row | _waiting(hours, row, now) for row in rows] for rows in (found.items, pinned))
    return Rows(items, found.next, above[:PINNED_ROWS], len(above) > PINNED_ROWS)


def _waiting(hours: BusinessHours, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return how long the row's patient has waited, in seconds of the pharmacy's hours, and how pressing that is."""
    since = datetime.fromisoformat(row["waiting_since"]) if row["waiting_since"] else None
    found = waited(hours, since, now)
    if since is not None and row["tier"] == Tier.E:  # an emergency waits by night as well
        return {"waited": (now - since).total_seconds(), "colour": Colour.RED}
    return {"waited": found.business_seconds, "colour": found.colour}
