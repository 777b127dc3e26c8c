"""Accounts and API keys, as an administrator keeps them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import access, access_accounts, access_passwords
from pharmacy.storage.access import Caller
from pharmacy.storage.access_accounts import NewAccount
from pharmacy.storage.refusals import Conflict, NotHere
from server.access import Calling, Serving, SignedInRoute
from server.answers import Problem
from server.asks import Body
from server.errors import OF_ONE, SIGNED_IN, Refused, Responses
from server.rights import needs
from server.routes.sessions import AccountName, Password

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=SignedInRoute)

PersonRole = Literal[Role.PHARMACIST, Role.LEAD, Role.ENGINEER, Role.ADMIN]
Rights = Annotated[list[Right], Field(max_length=len(Right))]
KeyName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f/]{1,80}$", examples=["shop"])]
KeyOfPath = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f/]{1,80}$")]

_IN_USE: Responses = {409: {"model": Problem, "description": "The name is in use."}}
_ONESELF: Responses = {409: {"model": Problem, "description": "Nobody changes or takes away what they call with."}}
_ACCOUNTS, _KEYS = needs(Right.MANAGE_ACCOUNTS), needs(Right.MANAGE_KEYS)


class AccountIn(Body):
    """A new account."""

    name: AccountName
    role: PersonRole
    rights: Rights = Field(default_factory=list)
    """Given by name, beside the role's."""

    password: Password | None = None
    """Null: signs in through the provider only."""


class AccountChange(Body):
    """A field left out stays as it is."""

    role: PersonRole | None = None
    rights: Rights | None = None
    disabled: Annotated[bool, Field(strict=True)] | None = None


class Reset(Body):
    """A new password; the second factor goes."""

    password: Password


class AccountOut(BaseModel):
    """An account, without anything that opens it."""

    id: str
    name: str
    role: Role
    rights: list[str]
    second_factor: bool
    password: bool
    """Whether it has one."""

    disabled_at: str | None
    created_at: str


class Accounts(BaseModel):
    """Every account of the pharmacy."""

    items: list[AccountOut]


class KeyIn(Body):
    """A new key; without `role` and `rights` it may what the shop's own program needs."""

    name: KeyName
    role: Role | None = None
    rights: Rights = Field(default_factory=list)


class KeyOut(BaseModel):
    """A key, without the key."""

    name: str
    role: str | None
    rights: list[str]
    created_at: str
    revoked_at: str | None


class Keys(BaseModel):
    """Every key of the pharmacy, the revoked ones too."""

    items: list[KeyOut]


class NewKey(BaseModel):
    """A key; it cannot be shown again."""

    name: str
    key: str


@router.get("/accounts", response_model=Accounts, openapi_extra=_ACCOUNTS, responses=SIGNED_IN)
async def list_accounts(program: Serving, by: Calling) -> Any:
    """List accounts by name."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return {"items": await access_accounts.listed(tx, by.pharmacy_id)}


@router.post(
    "/accounts", status_code=201, response_model=AccountOut, openapi_extra=_ACCOUNTS, responses=SIGNED_IN | _IN_USE
)
async def add_account(body: AccountIn, program: Serving, by: Calling) -> Any:
    """Make an account."""
    kept = await _kept("password", body.password, body.name) if body.password is not None else None
    new = NewAccount(body.name, Role(body.role), tuple(body.rights), kept)
    async with program.database.begin(by.pharmacy_id) as tx:
        account_id = await access_accounts.add(tx, by.pharmacy_id, by.actor, new)
        return access_accounts.shown(await access_accounts.one(tx, by.pharmacy_id, account_id))


@router.get("/accounts/{account_id}", response_model=AccountOut, openapi_extra=_ACCOUNTS, responses=OF_ONE)
async def get_account(account_id: UUID, program: Serving, by: Calling) -> Any:
    """Show one account."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return access_accounts.shown(await access_accounts.one(tx, by.pharmacy_id, account_id))


@router.patch("/accounts/{account_id}", response_model=AccountOut, openapi_extra=_ACCOUNTS, responses=OF_ONE | _ONESELF)
async def change_account(account_id: UUID, body: AccountChange, program: Serving, by: Calling) -> Any:
    """Give another role or other rights, shut out, let in again; the account's sessions end at once."""
    async with program.database.begin(by.pharmacy_id) as tx:
        row = await access_accounts.one(tx, by.pharmacy_id, account_id, held=True)
        _refuse_oneself(row.id, by)
        if body.disabled is not None:
            await (access_accounts.disable if body.disabled else access_accounts.enable)(tx, row, by.actor)
        if body.role is not None or body.rights is not None:
            role = Role(body.role) if body.role is not None else None
            await access_accounts.change_rights(tx, row, by.actor, role, body.rights)
        return access_accounts.shown(await access_accounts.one(tx, by.pharmacy_id, account_id))


@router.post(
    "/accounts/{account_id}/reset", response_model=AccountOut, openapi_extra=_ACCOUNTS, responses=OF_ONE | _ONESELF
)
async def reset_account(account_id: UUID, body: Reset, program: Serving, by: Calling) -> Any:
    """Give a new password and take the second factor away, for whoever lost either."""
    async with program.database.begin(by.pharmacy_id) as tx:
        row = await access_accounts.one(tx, by.pharmacy_id, account_id)
    _refuse_oneself(row.id, by)
    kept = await _kept("password", body.password, row.name)
    async with program.database.begin(by.pharmacy_id) as tx:
        await access_accounts.reset(tx, row, by.actor, kept)
        return access_accounts.shown(await access_accounts.one(tx, by.pharmacy_id, account_id))


@router.get("/keys", response_model=Keys, openapi_extra=_KEYS, responses=SIGNED_IN)
async def list_keys(program: Serving, by: Calling) -> Any:
    """List keys by age; the keys themselves are not kept."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return {"items": await access.list_keys(tx, by.pharmacy_id)}


@router.post("/keys", status_code=201, response_model=NewKey, openapi_extra=_KEYS, responses=SIGNED_IN | _IN_USE)
async def create_key(body: KeyIn, program: Serving, by: Calling) -> Any:
    """Make a key; the answer is the only place where it stands."""
    role = Role.MACHINE if body.role is None and not body.rights else body.role
    async with program.database.begin(by.pharmacy_id) as tx:
        key = await access.create_key(tx, by.pharmacy_id, body.name, by.actor, role, body.rights)
    return NewKey(name=body.name, key=key)


@router.delete("/keys/{name}", status_code=204, openapi_extra=_KEYS, responses=OF_ONE | _ONESELF)
async def revoke_key(name: KeyOfPath, program: Serving, by: Calling) -> Response:
    """Make a key useless at once."""
    if by.actor == f"key:{name}":
        raise Conflict("this is the key you call with; expected another to revoke it")
    async with program.database.begin(by.pharmacy_id) as tx:
        if not await access.revoke_key(tx, by.pharmacy_id, name, by.actor):
            raise NotHere(f"key {name!r}: there is none in use")
    return Response(status_code=204)


async def _kept(place: str, password: str, name: str) -> str:
    if why := access_passwords.weak(password, name):
        raise Refused(place, "…", why)
    return await access_passwords.hash_password(password)


def _refuse_oneself(account_id: UUID, by: Caller) -> None:
    # So that there is always an administrator left, and none who raises their own rights.
    if account_id == by.account_id:
        raise Conflict("this is your own account; expected another administrator to change it")
