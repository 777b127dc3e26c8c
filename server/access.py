"""Who calls: an API key, or the session that a one-time link opened."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from pharmacy.domain.rights import Right, who_may
from pharmacy.storage import access
from pharmacy.storage.access import Caller
from server.program import Program
from server.rights import right_of

SESSION_COOKIE = "kakari_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="An API key made by `kakari keys create`.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="The session that a one-time link opened.")


def program_of(request: Request) -> Program:
    """Return the program that this application serves."""
    program: Program = request.app.state.program
    return program


Serving = Annotated[Program, Depends(program_of)]


class SignedInRoute(APIRoute):
    """A route that knows its caller, and that they may, before it reads a byte of the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler behind the check of who calls."""
        handle = super().get_route_handler()

        async def known_first(request: Request) -> Response:
            request.state.caller = found = await _identify(request)
            _refuse_without(right_of(self.openapi_extra), found)
            return await handle(request)

        return known_first


async def caller(
    request: Request,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _cookie: Annotated[str | None, Security(_cookie)],
) -> Caller:
    """Return who calls, as `SignedInRoute` has found out; the two schemes are declared here for the documentation."""
    found: Caller = request.state.caller
    return found


Calling = Annotated[Caller, Depends(caller)]


async def _identify(request: Request) -> Caller:
    """Return who calls.

    Raises:
        HTTPException: 401 without a valid key or session; 403 when a browser is made to call from another site.
    """
    bearer, cookie = await _bearer(request), request.cookies.get(SESSION_COOKIE)
    found = None
    if bearer is not None:
        async with program_of(request).database.begin() as tx:
            found = await access.caller_of_key(tx, bearer.credentials)
    elif cookie:
        _refuse_other_site(request)
        async with program_of(request).database.begin() as tx:
            found = await access.caller_of_session(tx, cookie)
    if found is None:
        said = "expected `Authorization: Bearer KEY` with a valid key"
        raise HTTPException(401, said, {"WWW-Authenticate": "Bearer"})
    return found


def _refuse_without(right: Right | None, found: Caller) -> None:
    # A route without a right never gets here: the application does not start with one.
    if right is None or right not in found.rights:
        who = ", ".join(who_may(right)) if right else "nobody"
        raise HTTPException(403, f"{found.actor!r} may not {right}; expected one of: {who}")


def _refuse_other_site(request: Request) -> None:
    # A browser sends the cookie along whoever wrote the page; only the page's own origin may change anything.
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "a session may only be used from Kakari's own pages")
