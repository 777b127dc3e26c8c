"""Who calls: an API key, or the session of a person who signed in."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from pharmacy.domain.rights import SECOND_FACTOR, Right, who_may
from pharmacy.settings import Settings
from pharmacy.storage import access
from pharmacy.storage.access import Caller
from server.headers import over_https
from server.program import Program
from server.rights import query_names, right_of

SESSION_COOKIE = "kakari_session"
_BACKGROUND = "x-kakari-background"
BACKGROUND = {_BACKGROUND: True}
"""For the `openapi_extra` of a route that a page calls by itself: such a call keeps no session alive."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="An API key made by `kakari keys create`.")
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    description="The session of a person who signed in; over https its name begins with `__Host-`.",
)


def program_of(request: Request) -> Program:
    """Return the program that this application serves."""
    program: Program = request.app.state.program
    return program


async def _serving(request: Request) -> Program:
    # A dependency that is no coroutine would be run in a thread, at a fifth of what a message's taking costs.
    return program_of(request)


Serving = Annotated[Program, Depends(_serving)]


class SignedInRoute(APIRoute):
    """A route that knows its caller, and that they may, before it reads a byte of the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler behind the check of who calls."""
        handle = super().get_route_handler()
        right, known = right_of(self.openapi_extra), query_names(self)
        by_itself = _BACKGROUND in (self.openapi_extra or {})

        async def known_first(request: Request) -> Response:
            by_person = not by_itself and _BACKGROUND not in request.headers
            request.state.caller = found = await _identify(request, by_person=by_person)
            _refuse_without(right, found)
            _refuse_without_factor(right, found, program_of(request).settings)
            _refuse_unknown_query(request, known)
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


def cookie_name(settings: Settings, name: str = SESSION_COOKIE) -> str:
    """Return a cookie's name: over https one that no other host or path can have set."""
    return f"__Host-{name}" if over_https(settings) else name


def set_session(response: Response, settings: Settings, token: str) -> None:
    """Give the browser its session; a script cannot read it, another site's form does not bring it."""
    response.set_cookie(
        cookie_name(settings), token, httponly=True, samesite="lax", secure=over_https(settings), path="/",
        max_age=int(access.SESSION_LIVES.total_seconds()),
    )  # fmt: skip


def forget_session(response: Response, settings: Settings) -> None:
    """Take the session from the browser."""
    response.delete_cookie(cookie_name(settings), httponly=True, samesite="lax", secure=over_https(settings), path="/")


def session_of(request: Request) -> str | None:
    """Return the session's token that the browser brings, if any."""
    return request.cookies.get(cookie_name(program_of(request).settings))


def refuse_other_site(request: Request, *, browser: bool = True) -> None:
    """Refuse a call that another site's page had the browser make.

    Args:
        browser: False where a program without a browser may call as well, which sends no origin.

    Raises:
        HTTPException: 403.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = origin is not None and _is_own(origin, request)
    if (not own and (browser or origin is not None)) or site not in (None, "same-origin"):
        raise HTTPException(403, "a session may only be used from Kakari's own pages")


async def _identify(request: Request, *, by_person: bool) -> Caller:
    """Return who calls.

    Args:
        by_person: False for a call that a page makes by itself.

    Raises:
        HTTPException: 401 without a valid key or session; 403 when a browser is made to call from another site.
    """
    bearer, cookie = await _bearer(request), session_of(request)
    found = None
    if bearer is not None:
        found = await _holder(program_of(request), bearer.credentials)
    elif cookie:
        # The browser sends the cookie along whoever wrote the page; only our own origin may change anything.
        if request.method not in _SAFE_METHODS:
            refuse_other_site(request)
        async with program_of(request).database.begin_without_pharmacy() as tx:
            found = await access.caller_of_session(tx, cookie, active=by_person)
    if found is None:
        said = "expected `Authorization: Bearer KEY` with a valid key, or a session"
        raise HTTPException(401, said, {"WWW-Authenticate": "Bearer"})
    return found


async def may_still(request: Request, right: Right) -> bool:
    """Say whether the caller of an answer that goes on and on may still have it; nobody is kept signed in by this.

    Raises:
        StoreBusy: nobody can say now.
    """
    before: Caller = request.state.caller
    try:
        found = await _identify(request, by_person=False)
        _refuse_without(right, found)
        _refuse_without_factor(right, found, program_of(request).settings)
    except HTTPException:
        return False
    return found.pharmacy_id == before.pharmacy_id


async def _holder(program: Program, key: str) -> Caller | None:
    # Asked of the database each time, in one statement: a revoked key is useless from that moment on.
    async with program.database.look() as connection:
        return await access.caller_of_key(connection, key)


def _refuse_without(right: Right | None, found: Caller) -> None:
    # A route without a right never gets here: the application does not start with one.
    if right is None or right not in found.rights:
        who = ", ".join(who_may(right)) if right else "nobody"
        raise HTTPException(403, f"{found.actor!r} may not {right}; expected one of: {who}")


def _refuse_without_factor(right: Right | None, found: Caller, settings: Settings) -> None:
    wanted = settings.second_factor == "lead_admin" and found.role in SECOND_FACTOR
    if wanted and not found.second_factor and right is not Right.OWN_ACCOUNT:
        raise HTTPException(403, "expected a second factor to be set first: POST /v1/me/second-factor")


def _refuse_unknown_query(request: Request, known: frozenset[str]) -> None:
    # A filter that nobody knows would otherwise look as if it had been obeyed.
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        expected = f"expected one of {sorted(known)}" if known else "expected no query"
        raise RequestValidationError(
            [{"loc": ("query", name), "msg": expected, "input": "", "type": "unknown"} for name in unknown[:5]]
        )


def _is_own(origin: str, request: Request) -> bool:
    public = program_of(request).settings.public_url
    if public is not None:
        return origin == "{0.scheme}://{0.netloc}".format(urlsplit(public))
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host")
