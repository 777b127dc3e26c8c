"""A route that answers a person: whoever is not signed in is asked to, and what cannot be is said on a page."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from pharmacy.redaction.plain import PLAIN
from pharmacy.storage.paging import CursorUnreadable
from pharmacy.storage.refusals import Conflict, NotHere, Stale, StoreBusy
from server.access import SignedInRoute
from server.console.entrance import signed_out
from server.console.languages import language_of
from server.console.templates import page
from server.console.unfit import unfit
from server.errors import Refused

_TOLD = (HTTPException, NotHere, Conflict, Stale, StoreBusy, Refused, RequestValidationError, CursorUnreadable)
_CODES = {401: "signed_out", 403: "not_allowed", 404: "no_page", 405: "not_so", 413: "too_large"}


class PageRoute(SignedInRoute):
    """As the API's routes, but every refusal is a page, or within a page a notice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler; what the store, the rights or the form refuse becomes words."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except _TOLD as error:
                return refusal(request, error)

        return told


def is_partial(request: Request) -> bool:
    """Say whether the page asks for a piece of itself."""
    return request.headers.get("hx-request") == "true"


def refusal(request: Request, error: Exception) -> Response:
    """Return the page that says what cannot be, or within a page the notice."""
    status, code = _said(error)
    if status == 401:
        # Within a page: the whole page goes to where one signs in.
        return Response(status_code=401, headers={"HX-Redirect": "/"}) if is_partial(request) else signed_out(request)
    template = "notice.html" if is_partial(request) else "refused.html"
    detail = PLAIN.text(str(error)) if isinstance(error, Conflict) else ""
    wrong = unfit(request, language_of(request), _entries(error))
    answer = page(request, template, status, code=code, detail=detail, wrong=wrong)
    if is_partial(request):
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#notices", "innerHTML"
    return answer


def _said(error: Exception) -> tuple[int, str]:
    """Return the status and the code of the sentence."""
    match error:
        case StarletteHTTPException():
            return error.status_code, _CODES.get(error.status_code, "refused")
        case NotHere():
            return 404, "not_here"
        case Stale():
            return 409, "stale"
        case Conflict():
            return 409, "conflict"
        case RequestValidationError() if all(entry["loc"][0] in ("query", "path") for entry in error.errors()):
            return 422, "address"
        case CursorUnreadable():
            return 422, "address"
        case Refused() | RequestValidationError():
            return 422, "refused"
        case StoreBusy():
            return 503, "busy"
        case _:
            return 500, "inside"


def _entries(error: Exception) -> Sequence[Any]:
    match error:
        case Refused():
            return [error.entry]
        case RequestValidationError():
            return error.errors()
        case CursorUnreadable():
            return [{"loc": ("query", "after"), "msg": str(error), "type": "cursor"}]
        case _:
            return []
