"""Automatic sending: read and set the policy, turn the kill switch, cancel one text that is waiting to go."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pharmacy.domain import policy as rules
from pharmacy.domain.rights import Right
from pharmacy.storage import automatic_held, reading
from server import letting
from server.access import Calling, Serving, SignedInRoute
from server.answers import Conflicting, ConversationOut
from server.errors import DECIDING, SIGNED_IN
from server.letting import PolicyIn, SwitchIn
from server.rights import needs
from server.routes.conversations import After, ConversationId, Limit

router = APIRouter(tags=["automatic sending"], route_class=SignedInRoute)

Below = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only versions before this one.")]
SETTING = SIGNED_IN | {409: {"model": Conflicting, "description": "Somebody else has set another version since."}}


class SwitchOut(BaseModel):
    """Where the kill switch stands, and who turned it last."""

    on: bool
    set_by: str | None
    reason: str | None
    set_at: datetime | None


class StoppedOut(SwitchOut):
    """The switch after it was turned."""

    taken_back: int
    """How many texts were waiting to go, and are suggestions now."""


class PolicyOut(BaseModel):
    """The policy that runs."""

    version: int
    """0 while the file's first values hold."""

    set_by: str | None
    reason: str | None
    set_at: datetime | None
    policy: rules.Policy | None
    """null when what is stored cannot be read."""

    problem: str | None
    """Why nothing is sent automatically although the switch is off: the policy does not fit the flow that runs."""

    kill_switch: SwitchOut
    may_be_automatic: dict[str, list[str]]
    """Category to the phases that the file lets be set to `auto`."""

    marking: str
    """What stands under each automatic message."""

    differences: list[str]
    """Each value that is another one than the file's."""

    held: int
    """How many automatic texts wait to go out; a new version lets none of them go, and a person sees each instead."""


class ChangeOut(BaseModel):
    """One value that became another; null where nothing was said of it."""

    place: list[str]
    old: str | int | None
    new: str | int | None


class VersionOut(BaseModel):
    """One version of the policy that a person has set."""

    version: int
    set_by: str
    reason: str
    set_at: datetime
    changes: list[ChangeOut] | None
    """Against the version before it, or the file's first values; null where one of the two cannot be read."""


class VersionPage(BaseModel):
    """A page of versions."""

    items: list[VersionOut]
    next: int | None
    """`below` of the next page."""


class HeldOut(BaseModel):
    """An automatic text that waits to go out."""

    id: str
    conversation_id: str
    patient_name: str | None
    text: str
    kind: str
    category: str | None
    phase: str | None
    policy_version: int | None
    goes_at: datetime
    seconds_left: float
    created_at: datetime


class HeldPage(BaseModel):
    """A page of them, the one that goes first first."""

    items: list[HeldOut]
    next: str | None


@router.get("/v1/policy", openapi_extra=needs(Right.READ_POLICY), response_model=PolicyOut, responses=SIGNED_IN)
async def get_policy(program: Serving, by: Calling) -> Any:
    """Show what may be sent automatically, and whether the kill switch is on."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await letting.shown(tx, program, by)


@router.put("/v1/policy", openapi_extra=needs(Right.SET_POLICY), response_model=PolicyOut, responses=SETTING)
async def put_policy(body: PolicyIn, program: Serving, by: Calling) -> Any:
    """Set the next version of the policy. It may say no more than the policy file lets it."""
    return await letting.set_policy(program, by, body)


@router.get(
    "/v1/policy/versions", openapi_extra=needs(Right.READ_POLICY), response_model=VersionPage, responses=SIGNED_IN
)
async def list_versions(program: Serving, by: Calling, limit: Limit = 50, below: Below = None) -> Any:
    """List the versions that people have set, the newest first: who, when, why, and what each changed."""
    async with program.database.begin(by.pharmacy_id) as tx:
        items, following = await letting.history(tx, program, by, limit=limit, below=below)
    return {"items": items, "next": following}


@router.put(
    "/v1/policy/kill-switch", openapi_extra=needs(Right.STOP_SENDING), response_model=StoppedOut, responses=SIGNED_IN
)
async def turn_kill_switch(body: SwitchIn, program: Serving, by: Calling) -> Any:
    """Stop all automatic sending at once, or let it run again, which fewer people may. Drafting goes on."""
    switch, taken_back = await letting.turn(program, by, body)
    return letting.switch_json(switch) | {"taken_back": taken_back}


@router.get("/v1/automatic", openapi_extra=needs(Right.READ_WORDS), response_model=HeldPage, responses=SIGNED_IN)
async def list_held(program: Serving, by: Calling, limit: Limit = 50, after: After = None) -> Any:
    """List the automatic texts that wait to go out; each can be cancelled until then."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await automatic_held.list_held(tx, by.pharmacy_id, limit=limit, after=after)


@router.post(
    "/v1/conversations/{conversation_id}/automatic/{outbox_id}/cancel", openapi_extra=needs(Right.DECIDE),
    response_model=ConversationOut, responses=DECIDING,
)  # fmt: skip
async def cancel(conversation_id: ConversationId, outbox_id: UUID, program: Serving, by: Calling) -> Any:
    """Take back an automatic text that is held and was never tried; its draft becomes a suggestion."""
    await letting.cancel(program, by, conversation_id, outbox_id)
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)
