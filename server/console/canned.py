"""The page on which a pharmacy's people keep the replies that they use again."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from pharmacy.domain.rights import Right
from pharmacy.storage import canned_replies
from pharmacy.storage.access import Caller
from pharmacy.storage.refusals import Conflict, NotHere, Stale
from server import canning
from server.access import Calling, Serving
from server.asks import Body, Version
from server.canning import SHORT_NAME, CannedIn
from server.console.forms import fields_of, read_form
from server.console.head import head_of
from server.console.route import PageRoute
from server.console.templates import page
from server.errors import Refused
from server.program import Program
from server.rights import needs

router = APIRouter(prefix="/canned-replies", include_in_schema=False, route_class=PageRoute)
_DECIDE = needs(Right.DECIDE)


class Named(Body):
    """Which canned reply is to go, as it was read."""

    name: Annotated[str, Field(pattern=SHORT_NAME)]
    version: Version


class Kept(CannedIn):
    """A canned reply as the page's form sends it."""

    name: Annotated[str, Field(pattern=SHORT_NAME)]


@router.get("", openapi_extra=needs(Right.READ_WORDS))
async def show(request: Request, program: Serving, by: Calling, done: Literal["", "kept", "removed"] = "") -> Response:
    """Show what is kept."""
    return await _page(request, program, by, done=done)


@router.post("/keep", openapi_extra=_DECIDE)
async def keep(request: Request, program: Serving, by: Calling) -> Response:
    """Keep a new one, or another wording; what cannot be is said beside what was typed."""
    try:
        form = await read_form(request, Kept)
        await canning.put(program, by, form.name, CannedIn(version=form.version, text=form.text))
    except (RequestValidationError, Refused, NotHere, Stale, Conflict) as error:
        return await _refused(request, program, by, error)
    return RedirectResponse("/canned-replies?done=kept", 303)


@router.post("/remove", openapi_extra=_DECIDE)
async def remove(request: Request, program: Serving, by: Calling) -> Response:
    """Keep it no longer."""
    try:
        form = await read_form(request, Named)
        await canning.remove(program, by, form.name, form.version)
    except (NotHere, Stale) as error:
        return await _refused(request, program, by, error)
    return RedirectResponse("/canned-replies?done=removed", 303)


async def _refused(request: Request, program: Program, by: Caller, error: Exception) -> Response:
    status, code = _said(error)
    fields = await fields_of(request)
    typed = {"name": fields.get("name", ""), "text": fields.get("text", ""), "version": fields.get("version", 0)}
    return await _page(request, program, by, status, refused=code, typed=typed)


def _said(error: Exception) -> tuple[int, str]:
    """Return the status and the code of the sentence."""
    match error:
        case RequestValidationError():
            named = any(entry["loc"][-1] == "name" for entry in error.errors())
            return 422, "bad_name" if named else "bad_text"
        case Refused():
            return 422, "bad_blank"
        case NotHere():
            return 404, "gone"
        case Stale():
            return 409, "changed"
        case _:
            return 409, "full"


async def _page(request: Request, program: Program, by: Caller, status: int = 200, **more: Any) -> Response:
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await canned_replies.list_canned(tx, by.pharmacy_id)
        head = await head_of(tx, program, by, "canned")
    kept = [row | {"at": datetime.fromisoformat(row["updated_at"])} for row in found]
    said: dict[str, Any] = {"done": "", "refused": "", "typed": {"name": "", "text": "", "version": 0}}
    may_keep = Right.DECIDE in by.rights
    return page(request, "canned_replies.html", status, kept=kept, may_keep=may_keep, **(head | said | more))
