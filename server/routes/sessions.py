"""Signing in and out with a body of JSON, and one's own account."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import access, access_accounts, access_attempts, access_passwords, access_sessions, access_totp
from pharmacy.storage.access import Caller
from pharmacy.storage.access_sessions import SignedIn
from pharmacy.storage.refusals import Conflict
from server.access import Calling, Serving, SignedInRoute, forget_session, refuse_other_site, session_of, set_session
from server.answers import Problem
from server.asks import Body
from server.errors import SIGNED_IN, Refused, Responses
from server.headers import address_of
from server.rights import needs, open_because
from server.signing_in import Given, count_attempt, idle_of, sign_in

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=SignedInRoute)
entrance = APIRouter(prefix="/v1", tags=["accounts"])

AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,99}$", examples=["sato"])]
Password = Annotated[str, Field(min_length=1, max_length=access_passwords.LONGEST)]
Code = Annotated[str, Field(pattern=r"^\d{6}$", examples=["123456"])]
PharmacyId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]

_TOO_MANY: Responses = {429: {"model": Problem, "description": "Too many attempts for the name or from the address."}}
_OWN: Responses = SIGNED_IN | {409: {"model": Problem, "description": "There is no account, or it stands otherwise."}}
_REFUSED: Responses = {
    401: {"model": Problem, "description": "Name, password or code are wrong; which of them is not said."}
}
_ENTERING: Responses = {code: SIGNED_IN[code] for code in (400, 403, 413, 422, 503)} | _REFUSED | _TOO_MANY


class SignIn(Body):
    """What somebody says to get in."""

    name: AccountName
    password: Password
    code: Code | None = None
    """The second factor's, where one is set."""

    pharmacy_id: PharmacyId | None = None
    """Which pharmacy the account is of; the program's own when left out."""


class NewPassword(Body):
    """One's own new password, with the one in force."""

    password: Password
    new_password: Password


class Confirm(Body):
    """A code that shows that the second factor works."""

    code: Code


class Me(BaseModel):
    """Who calls, and what they may."""

    pharmacy_id: str
    actor: str
    account_id: str | None
    role: Role | None
    rights: list[Right]
    second_factor: bool


class Factor(BaseModel):
    """A second factor to be confirmed."""

    secret: str
    address: str
    """For an authenticator: otpauth://…"""


@entrance.post(
    "/session", response_model=Me, openapi_extra=open_because("name and password are the body"), responses=_ENTERING
)
async def open_session(body: SignIn, request: Request, response: Response, program: Serving) -> Any:
    """Sign in: the answer sets the session's cookie."""
    refuse_other_site(request, browser=False)
    given = Given(body.name, body.password, body.code or "", body.pharmacy_id)
    token = await sign_in(program, given, address_of(request, program.settings))
    set_session(response, program.settings, token)
    async with program.database.begin_without_pharmacy() as tx:
        found = await access.caller_of_session(tx, token)
    if found is None:  # shut out in the same moment
        raise Refused("name", body.name, "expected an account that is not disabled")
    return _me(found)


@router.delete("/session", status_code=204, openapi_extra=needs(Right.OWN_ACCOUNT), responses=SIGNED_IN)
async def close_session(request: Request, program: Serving, by: Calling) -> Response:  # noqa: ARG001
    """Sign out: the session is useless at once, wherever its cookie is."""
    token = session_of(request)
    if token:
        async with program.database.begin_without_pharmacy() as tx:
            await access.end_session(tx, token)
    response = Response(status_code=204)
    forget_session(response, program.settings)
    return response


@router.get("/me", response_model=Me, openapi_extra=needs(Right.OWN_ACCOUNT), responses=SIGNED_IN)
async def me(by: Calling) -> Any:
    """Show who calls and what they may."""
    return _me(by)


@router.post("/me/password", response_model=Me, openapi_extra=needs(Right.OWN_ACCOUNT), responses=_OWN | _TOO_MANY)
async def change_password(body: NewPassword, response: Response, program: Serving, by: Calling) -> Any:
    """Take a new password; every session of the account ends, and this browser gets a new one."""
    account_id = _account_of(by)
    async with program.database.begin(by.pharmacy_id) as tx:
        row = await access_accounts.one(tx, by.pharmacy_id, account_id)
    if row.password_hash is None:
        raise Conflict("the account signs in through the provider; expected one with a password")
    await count_attempt(program, by.pharmacy_id, (access_attempts.of_account(by.pharmacy_id, row.name),))
    if not await access_passwords.matches(row.password_hash, body.password):
        raise Refused("password", "…", "expected the password in force")
    if why := access_passwords.weak(body.new_password, row.name):
        raise Refused("new_password", "…", why)
    kept = await access_passwords.hash_password(body.new_password)
    async with program.database.begin(by.pharmacy_id) as tx:
        await access_accounts.change_password(tx, row, kept)
        who = SignedIn(by.pharmacy_id, row.name, account_id)
        token = await access_sessions.start_session(tx, who, "password", idle_of(program.settings))
    set_session(response, program.settings, token)
    return _me(by)


@router.post("/me/second-factor", response_model=Factor, openapi_extra=needs(Right.OWN_ACCOUNT), responses=_OWN)
async def begin_second_factor(program: Serving, by: Calling) -> Any:
    """Make a secret for an authenticator; it counts once it is confirmed."""
    async with program.database.begin(by.pharmacy_id) as tx:
        row = await access_accounts.one(tx, by.pharmacy_id, _account_of(by))
        secret = await access_totp.begin(tx, row.id)
    return Factor(secret=secret, address=access_totp.address_of(secret, row.name))


@router.post("/me/second-factor/confirm", response_model=Me, openapi_extra=needs(Right.OWN_ACCOUNT), responses=_OWN)
async def confirm_second_factor(body: Confirm, program: Serving, by: Calling) -> Any:
    """Show that the second factor works: from now on it is asked at every sign-in."""
    async with program.database.begin(by.pharmacy_id) as tx:
        confirmed = await access_totp.confirm(tx, _account_of(by), body.code)
    if not confirmed:
        raise Refused("code", "…", "expected the authenticator's code of now, of a secret just made")
    return _me(by) | {"second_factor": True}


def _account_of(by: Caller) -> UUID:
    if by.account_id is None:
        raise Conflict(f"{by.actor!r} has no account; expected a session of one")
    return by.account_id


def _me(by: Caller) -> dict[str, Any]:
    return {
        "pharmacy_id": by.pharmacy_id,
        "actor": by.actor,
        "account_id": str(by.account_id) if by.account_id else None,
        "role": by.role,
        "rights": sorted(by.rights),
        "second_factor": by.account_id is not None and by.second_factor,
    }
