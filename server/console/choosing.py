"""The language that a browser's pages speak, and the way back to where it was chosen."""

from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.routing import Match

from server.access import Serving, refuse_other_site
from server.console.forms import fields_of
from server.console.languages import COOKIE, NAMES
from server.headers import over_https
from server.rights import open_because

A_YEAR = 365 * 24 * 3600
LONGEST_ADDRESS = 2_000

router = APIRouter(include_in_schema=False)


@router.post("/desk/language", openapi_extra=open_because("chooses the language of this browser's pages"))
async def choose_language(request: Request, program: Serving) -> Response:
    """Keep the language in this browser, and go back to where one was."""
    refuse_other_site(request)
    chosen = (await fields_of(request)).get("language")
    back = own_address(request.headers.get("referer", ""))
    answer = RedirectResponse(back if _can_be_asked_for(request, back) else "/", 303)
    if chosen in NAMES:
        answer.set_cookie(
            COOKIE, str(chosen), max_age=A_YEAR, httponly=True, samesite="lax", path="/",
            secure=over_https(program.settings),
        )  # fmt: skip
    return answer


def _can_be_asked_for(request: Request, address: str) -> bool:
    # The answer to a form stands under an address that only a form can be sent to.
    scope = {**request.scope, "method": "GET", "path": unquote(urlsplit(address).path)}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def own_address(address: str) -> str:
    """Return path and query of `address`; of what a browser might take for another site's, only `/`.

    The host is left out and never compared: whatever it was, the path is one of ours.
    """
    plain = address.isascii() and address.isprintable() and "\\" not in address and len(address) <= LONGEST_ADDRESS
    try:
        parts = urlsplit(address if plain else "")
    except ValueError:
        return "/"
    # Two slashes would begin a host.
    if not parts.path.startswith("/") or parts.path.startswith("//"):
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
