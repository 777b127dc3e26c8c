"""A route that answers a person: whoever is not signed in is asked to, and what cannot be is said on a page."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError

from pharmacy.redaction.plain import PLAIN
from pharmacy.storage.refusals import Conflict, NotHere, Stale, StoreBusy
from server.access import SignedInRoute
from server.console.entrance import signed_out
from server.console.templates import page
from server.errors import Refused

_TOLD = (HTTPException, NotHere, Conflict, Stale, StoreBusy, Refused, RequestValidationError)


class PageRoute(SignedInRoute):
    """As the API's routes, but every refusal is a page, or within a page a notice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler; what the store, the rights or the form refuse becomes words."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except _TOLD as error:
                return _answer(request, error)

        return told


def is_partial(request: Request) -> bool:
    """Say whether the page asks for a piece of itself."""
    return request.headers.get("hx-request") == "true"


def _answer(request: Request, error: Exception) -> Response:
    status, code, detail = _said(error)
    if status == 401:
        # Within a page: the whole page goes to where one signs in.
        return Response(status_code=401, headers={"HX-Redirect": "/"}) if is_partial(request) else signed_out(request)
    template = "notice.html" if is_partial(request) else "refused.html"
    answer = page(request, template, status, code=code, detail=detail)
    if is_partial(request):
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#notices", "innerHTML"
    return answer


def _said(error: Exception) -> tuple[int, str, str]:
    """Return the status, the code of the sentence, and what else is to be said."""
    match error:
        case HTTPException():
            codes = {401: "signed_out", 403: "not_allowed", 404: "not_here"}
            return error.status_code, codes.get(error.status_code, "refused"), ""
        case NotHere():
            return 404, "not_here", ""
        case Stale():
            return 409, "stale", ""
        case Conflict():
            return 409, "conflict", PLAIN.text(str(error))
        case Refused():
            return 422, "refused", str(error)
        case RequestValidationError():
            return 422, "refused", "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
        case _:
            return 503, "busy", ""
