"""Automatic sending: read and set the policy, turn the kill switch, cancel one text that is waiting to go."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, StrictBool

from pharmacy.domain import policy as rules
from pharmacy.domain.policy_file import differences
from pharmacy.domain.rights import Right
from pharmacy.storage import automatic_stop, policy, reading
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from server.access import Calling, Serving, SignedInRoute
from server.answers import Conflicting, ConversationOut
from server.asks import Body, Line, Note, Version
from server.errors import DECIDING, SIGNED_IN, Refused
from server.program import Program
from server.rights import needs
from server.routes.conversations import ConversationId

router = APIRouter(tags=["automatic sending"], route_class=SignedInRoute)

SETTING = SIGNED_IN | {409: {"model": Conflicting, "description": "Somebody else has set another version since."}}


class PolicyIn(Body):
    """A whole policy, with the version that was read and why it is set."""

    version: Version
    reason: Line
    policy: rules.Policy


class SwitchIn(Body):
    """Where to turn the kill switch."""

    on: StrictBool
    reason: Annotated[Note, Field(description="Why; needed to let automatic sending run again.")] = ""


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


@router.get("/v1/policy", openapi_extra=needs(Right.READ_POLICY), response_model=PolicyOut, responses=SIGNED_IN)
async def get_policy(program: Serving, by: Calling) -> Any:
    """Show what may be sent automatically, and whether the kill switch is on."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await _shown(tx, program, by)


@router.put("/v1/policy", openapi_extra=needs(Right.SET_POLICY), response_model=PolicyOut, responses=SETTING)
async def put_policy(body: PolicyIn, program: Serving, by: Calling) -> Any:
    """Set the next version of the policy. It may say no more than the policy file lets it."""
    file = program.assembled.policy
    for place, value, expected in rules.problems(body.policy, file.flow, file.bounds):
        raise Refused(".".join(("policy", *place)), value, expected)
    async with program.database.begin(by.pharmacy_id) as tx:
        await policy.put(tx, by.pharmacy_id, by.actor, body.policy, body.reason, body.version)
        return await _shown(tx, program, by)


@router.put(
    "/v1/policy/kill-switch", openapi_extra=needs(Right.STOP_SENDING), response_model=StoppedOut, responses=SIGNED_IN
)
async def turn_kill_switch(body: SwitchIn, program: Serving, by: Calling) -> Any:
    """Stop all automatic sending at once, or let it run again, which fewer people may. Drafting goes on."""
    if body.on:
        switch, taken_back = await automatic_stop.stop(program.database, by.pharmacy_id, by.actor, body.reason)
        return _switch(switch) | {"taken_back": taken_back}
    if Right.SET_POLICY not in by.rights:
        raise HTTPException(403, f"{by.actor!r} may stop automatic sending and not let it run again")
    if not body.reason.strip():
        raise Refused("reason", body.reason, "expected why automatic sending may run again")
    async with program.database.begin(by.pharmacy_id) as tx:
        switch = await automatic_stop.release(tx, by.pharmacy_id, by.actor, body.reason)
    return _switch(switch) | {"taken_back": 0}


@router.post(
    "/v1/conversations/{conversation_id}/automatic/{outbox_id}/cancel", openapi_extra=needs(Right.DECIDE),
    response_model=ConversationOut, responses=DECIDING,
)  # fmt: skip
async def cancel(conversation_id: ConversationId, outbox_id: UUID, program: Serving, by: Calling) -> Any:
    """Take back an automatic text that is held and was never tried; its draft becomes a suggestion."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await automatic_stop.cancel(tx, by.pharmacy_id, conversation_id, outbox_id, by.actor)
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)


async def _shown(tx: Transaction, program: Program, by: Caller) -> dict[str, Any]:
    file = program.assembled.policy
    now, set_last = await policy.in_force(tx, by.pharmacy_id, file), await policy.newest(tx, by.pharmacy_id)
    may: dict[str, list[str]] = {}
    for category, phase in sorted(file.bounds.may_be_automatic):
        may.setdefault(category, []).append(phase)
    return {
        "version": now.version,
        "set_by": set_last.set_by if set_last else None,
        "reason": set_last.reason if set_last else None,
        "set_at": set_last.at if set_last else None,
        "policy": now.policy,
        "problem": now.problem or None,
        "kill_switch": _switch(await policy.switch_of(tx, by.pharmacy_id)),
        "may_be_automatic": may,
        "marking": file.bounds.marking,
        "differences": [*differences(now.policy, file)] if now.policy else [],
    }


def _switch(switch: policy.Switch) -> dict[str, Any]:
    return {"on": switch.is_on, "set_by": switch.set_by, "reason": switch.reason, "set_at": switch.at}
