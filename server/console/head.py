"""What the head of every page shows: where one is and can go, who waits, the kill switch, keys and commands."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from pharmacy.storage import desk, policy
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from server.access import BACKGROUND, Calling, Serving
from server.console.keys import KEYS
from server.console.route import PageRoute
from server.console.templates import page
from server.console.view import SECTIONS, View
from server.program import Program
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)


async def head_of(tx: Transaction, program: Program, by: Caller, here: str, view: View | None = None) -> dict[str, Any]:
    """Return what the template of the head is filled with.

    Args:
        here: the page that is shown, as the navigation names it.
        view: what the desk shows; elsewhere its commands lead to the desk as it opens.
    """
    return await switch_of(tx, by) | {
        "here": here,
        "view": view or View(),
        "keys": KEYS,
        "sections": [tab.value for tab in SECTIONS],
        "mode": program.assembled.registry.mode,
        "desk": await standing_of(tx, by.pharmacy_id) if Right.READ_WORDS in by.rights else None,
    }


async def standing_of(tx: Transaction, pharmacy_id: str) -> dict[str, Any]:
    """Return how many wait where, and as `emergency` the conversation whose emergency has waited longest."""
    counts = await desk.counts(tx, pharmacy_id)
    longest = await desk.emergencies(tx, pharmacy_id, 1) if counts["emergencies"] else []
    return counts | {"emergency": longest[0]["id"] if longest else ""}


async def switch_of(tx: Transaction, by: Caller, told: str = "") -> dict[str, Any]:
    """Return what the kill switch is shown from.

    Args:
        told: what was just done to it, in words.
    """
    return {"caller": by, "switch": await policy.switch_of(tx, by.pharmacy_id), "told": told}


@router.get("/desk/standing", openapi_extra=needs(Right.READ_WORDS) | BACKGROUND)
async def standing(request: Request, program: Serving, by: Calling) -> Response:
    """Show who waits, on the pages beside the desk."""
    async with program.database.begin(by.pharmacy_id) as tx:
        standing = await standing_of(tx, by.pharmacy_id)
    return page(request, "standing.html", desk=standing)
