"""The desk: the queue, the conversation that is open, and what of both has changed."""

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from pharmacy.domain.snooze import times
from pharmacy.storage import reading
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.refusals import NotHere
from server.access import BACKGROUND, Calling, Serving
from server.asks import Cause, Reject
from server.console.conversation_view import Seen, marks_of, see
from server.console.head import head_of
from server.console.keys import DESK
from server.console.languages import language_of
from server.console.policy_words import PolicyWords
from server.console.queue_view import Rows, rows_of
from server.console.route import PageRoute
from server.console.templates import page
from server.console.trail_words import TrailWords
from server.console.unfit import left_out
from server.console.view import View
from server.program import Program
from server.rights import needs

CAUSES: tuple[str, ...] = get_args(Cause)
"""What may be wrong with an edited draft."""

REFUSALS: tuple[str, ...] = get_args(Reject.model_fields["reason"].annotation)
"""In the order of the keys that pick them."""

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_READ = needs(Right.READ_WORDS)
Word = Annotated[str, Query(max_length=200)]


async def _view(
    program: Serving, tab: Word = "", q: Word = "", phase: Word = "", category: Word = "", tier: Word = "",
    mine: Word = "", snoozed: Word = "", c: Word = "",
) -> View:  # fmt: skip
    given = {"tab": tab, "q": q, "phase": phase, "category": category, "tier": tier, "mine": mine, "snoozed": snoozed}
    return View.read(given | {"c": c}, program.assembled.flow)


Viewing = Annotated[View, Depends(_view)]


@router.get("/", openapi_extra=_READ)
async def whole(request: Request, program: Serving, by: Calling, view: Viewing) -> Response:
    """Show the desk; what of the address nobody knows is left out, and said."""
    wrong = left_out(request.query_params, program.assembled.flow, language_of(request))
    async with program.database.begin(by.pharmacy_id) as tx:
        blanks = await blanks_of(tx, request, program, by, view)
    return page(request, "desk.html", **blanks, wrong=wrong)


@router.get("/desk/rows", openapi_extra=_READ)
async def rows(request: Request, program: Serving, by: Calling, view: Viewing, after: Word = "") -> Response:
    """Show the queue anew, or its next page."""
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await rows_of(tx, program, by, view, after or None)
    answer = page(request, "rows.html", rows=found, view=view, flow=program.assembled.flow, after=after, caller=by)
    answer.headers["HX-Replace-Url"] = view.address()
    return answer


@router.get("/desk/conversation", openapi_extra=_READ)
async def conversation(request: Request, program: Serving, by: Calling, view: Viewing) -> Response:
    """Show the conversation that the address names."""
    return await pane(request, program, by, view)


@router.get("/desk/live", openapi_extra=_READ | BACKGROUND)
async def live(
    request: Request, program: Serving, by: Calling, view: Viewing, item: Word = "", typed: Word = "", after: Word = ""
) -> Response:
    """Show what has changed; what somebody types into stays as it is.

    Args:
        item: the draft or case that the page shows.
        after: where the page of the queue begins that is shown.
        typed: not empty while words stand in its reply.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        blanks = await blanks_of(tx, request, program, by, view, after)
    seen: Seen | None = blanks["seen"]
    other = seen is not None and seen.open_item != item
    return page(request, "live.html", **blanks, redraw=other and not typed, overtaken=other and bool(typed))


async def pane(request: Request, program: Program, by: Caller, view: View, status: int = 200, **more: Any) -> Response:
    """Return the conversation of `view`, or that none is open.

    Args:
        more: what else the pane says: `said`, `newer`, `found`, `typed`, `asks_reason`, `reason_typed`.
    """
    return page(request, "pane.html", status, **await of_conversation(request, program, by, view, **more))


async def of_conversation(request: Request, program: Program, by: Caller, view: View, **more: Any) -> dict[str, Any]:
    """Return everything that the pane of `view` shows."""
    async with program.database.begin(by.pharmacy_id) as tx:
        seen = await _seen(tx, request, program, by, view)
    return _of_pane(request, program, by, view, seen, **more)


async def blanks_of(
    tx: Transaction, request: Request, program: Program, by: Caller, view: View, after: str = ""
) -> dict[str, Any]:
    """Return everything that the desk shows, of one moment."""
    await reading.snapshot(tx)
    seen = await _seen(tx, request, program, by, view)
    found: Rows = await rows_of(tx, program, by, view, after or None)
    own = _of_pane(request, program, by, view, seen) | {"rows": found, "after": after}
    return own | await head_of(tx, program, by, DESK, view)


def _of_pane(
    request: Request, program: Program, by: Caller, view: View, seen: Seen | None, **more: Any
) -> dict[str, Any]:
    flow, language = program.assembled.flow, language_of(request)
    said: dict[str, Any] = {
        "said": "", "newer": [], "found": {}, "typed": None, "asks_reason": False, "reason_typed": "",
        "cause_typed": "", "closes_typed": False, "done": "",
    }  # fmt: skip
    shown = {"seen": seen, "view": view, "flow": flow, "caller": by, "reasons": REFUSALS, "causes": CAUSES,
             "trace_address": program.tracing.address_of,
             "snooze": times(program.bell.texts.hours, datetime.now(UTC))}  # fmt: skip
    told = {"trail_words": TrailWords(PolicyWords(language, flow)),
            "marks_of": lambda judgement: marks_of(judgement, flow)}  # fmt: skip
    return said | shown | told | more


async def _seen(tx: Transaction, request: Request, program: Program, by: Caller, view: View) -> Seen | None:
    if not view.c:
        return None
    try:
        return await see(tx, by.pharmacy_id, view.c, program.assembled.flow, language_of(request))
    except NotHere:
        return None
