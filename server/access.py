"""Who calls: an API key, or the session that a one-time link opened."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from pharmacy.storage import access
from pharmacy.storage.access import Caller
from server.program import Program

SESSION_COOKIE = "kakari_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="An API key made by `kakari keys create`.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="The session that a one-time link opened.")


def program_of(request: Request) -> Program:
    """Return the program that this application serves."""
    program: Program = request.app.state.program
    return program


Serving = Annotated[Program, Depends(program_of)]


async def caller(
    request: Request,
    program: Serving,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    cookie: Annotated[str | None, Security(_cookie)],
) -> Caller:
    """Return who calls.

    Raises:
        HTTPException: 401 without a valid key or session; 403 when a browser is made to call from another site.
    """
    found = None
    async with program.database.begin() as tx:
        if bearer is not None:
            found = await access.caller_of_key(tx, bearer.credentials)
        elif cookie:
            _refuse_other_site(request)
            found = await access.caller_of_session(tx, cookie)
    if found is None:
        raise HTTPException(
            401, "expected `Authorization: Bearer KEY` with a valid key", {"WWW-Authenticate": "Bearer"}
        )
    return found


Calling = Annotated[Caller, Depends(caller)]


def _refuse_other_site(request: Request) -> None:
    # A browser sends the cookie along whoever wrote the page; only the page's own origin may change anything.
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "a session may only be used from Kakari's own pages")
