"""The pages on which people sign in and out: name and password, a one-time link, the provider."""

import logging
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pharmacy.storage import access, access_provider
from server.access import (
    Serving,
    cookie_name,
    forget_session,
    refuse_other_site,
    session_of,
    set_session,
)
from server.console.templates import page
from server.headers import address_of, over_https
from server.program import Program
from server.provider import NotBelieved, Provider, ProviderUnusable
from server.provider_sign_in import enter
from server.rights import open_because
from server.signing_in import Given, SignInRefused, TooManyAttempts, idle_of, sign_in

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

_LEAVING_COOKIE = "kakari_leaving"
_LONGEST_FORM = 4096
Told = Annotated[str, Query(max_length=4096)]


def signed_out(request: Request, said: str = "", status: int = 401) -> HTMLResponse:
    """Return the page that asks who it is.

    Args:
        said: why they are here: refused, too_many, link, provider, out, or nothing.
    """
    return page(request, "signed_out.html", status, said=said, provider=_provider_of(request) is not None)


@router.get("/sign-in", openapi_extra=open_because("turns a one-time link into a session"))
async def use_link(request: Request, program: Serving, token: Told = "") -> Response:
    """Turn a one-time link into a session; without one, ask for name and password."""
    if not token:
        return signed_out(request, status=200)
    async with program.database.begin_without_pharmacy() as tx:
        session = await access.use_link(tx, token, idle_of(program.settings))
    return signed_out(request, "link") if session is None else await _come_in(request, program, session)


@router.post("/sign-in", openapi_extra=open_because("name and password are the form"))
async def use_form(request: Request, program: Serving) -> Response:
    """Sign in with the page's own form."""
    refuse_other_site(request)
    given = _read_form(await request.body())
    if given is None:
        return signed_out(request, "refused")
    try:
        session = await sign_in(program, given, address_of(request, program.settings))
    except SignInRefused:
        return signed_out(request, "refused")
    except TooManyAttempts:
        return signed_out(request, "too_many", 429)
    return await _come_in(request, program, session)


@router.post("/sign-out", openapi_extra=open_because("ends the caller's own session, if there is one"))
async def sign_out(request: Request, program: Serving) -> Response:
    """End the session; pages that the browser kept can be read no more."""
    refuse_other_site(request)
    token = session_of(request)
    if token:
        async with program.database.begin_without_pharmacy() as tx:
            await access.end_session(tx, token)
    answer = RedirectResponse("/", 303, {"Clear-Site-Data": '"cache", "storage"'})
    forget_session(answer, program.settings)
    return answer


@router.get("/sign-in/provider", openapi_extra=open_because("sends the browser to the provider"))
async def leave(request: Request, program: Serving) -> Response:
    """Go to the provider; what comes back must come back to this browser."""
    provider = _provider_of(request)
    if provider is None:
        raise HTTPException(404)
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        leaving = await access_provider.leave(tx, program.settings.pharmacy_id)
    try:
        answer = RedirectResponse(await provider.address(leaving), 303)
    except ProviderUnusable as error:
        return _without_provider(request, error)
    answer.set_cookie(
        cookie_name(program.settings, _LEAVING_COOKIE), leaving.state, httponly=True, samesite="lax", path="/",
        secure=over_https(program.settings), max_age=int(access_provider.AWAY.total_seconds()),
    )  # fmt: skip
    return answer


@router.get("/sign-in/provider/back", openapi_extra=open_because("the provider's code is checked with the provider"))
async def come_back(request: Request, program: Serving, state: Told = "", code: Told = "", iss: Told = "") -> Response:
    """Take what the provider says of whoever left from this browser."""
    provider, cookie = _provider_of(request), cookie_name(program.settings, _LEAVING_COOKIE)
    # Without the cookie somebody else's sign-in could be finished here.
    if provider is None or not state or request.cookies.get(cookie) != state:
        return signed_out(request, "provider")
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        leaving = await access_provider.come_back(tx, state)
    if leaving is None or not code:
        return signed_out(request, "provider")
    try:
        query = {"code": code} | ({"iss": iss} if iss else {})
        session = await enter(program, await provider.person(leaving, query))
    except ProviderUnusable as error:
        return _without_provider(request, error)
    except NotBelieved as error:
        log.warning("provider_sign_in_refused %s", error)
        return signed_out(request, "provider")
    answer = await _come_in(request, program, session)
    answer.delete_cookie(cookie, httponly=True, samesite="lax", secure=over_https(program.settings), path="/")
    return answer


async def _come_in(request: Request, program: Program, session: str) -> Response:
    # A session that was there before ends: nobody goes on in one that somebody else may have put there.
    before = session_of(request)
    if before:
        async with program.database.begin_without_pharmacy() as tx:
            await access.end_session(tx, before)
    answer = RedirectResponse("/", 303)
    set_session(answer, program.settings, session)
    return answer


def _read_form(body: bytes) -> Given | None:
    if len(body) > _LONGEST_FORM:
        return None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10, strict_parsing=True)
    except ValueError:
        return None
    if not fields.keys() <= {"name", "password", "code"} or any(len(values) != 1 for values in fields.values()):
        return None
    name, password = fields.get("name", [""])[0].strip(), fields.get("password", [""])[0]
    code = fields.get("code", [""])[0].strip()
    storable = all("\x00" not in value for value in (name, password, code))
    return Given(name.casefold(), password, code) if name and password and storable else None


def _provider_of(request: Request) -> Provider | None:
    provider: Provider | None = request.app.state.provider
    return provider


def _without_provider(request: Request, error: ProviderUnusable) -> Response:
    log.error("provider_unusable %s", error)
    return signed_out(request, "provider", 503)
