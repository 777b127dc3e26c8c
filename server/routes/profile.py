"""How much an earlier answer may cost the pharmacy: read and choose its profile."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pharmacy.domain.profile import Price, Profile
from pharmacy.domain.rights import Right
from pharmacy.storage import reply_profiles
from server.access import Calling, Serving, SignedInRoute
from server.asks import Body, Note
from server.errors import SIGNED_IN
from server.rights import needs

router = APIRouter(tags=["profile"], route_class=SignedInRoute)


class ProfileIn(Body):
    """A choice."""

    profile: Annotated[Profile | None, Field(description="null goes by the program's own setting again.")]
    reason: Note = ""


class ProfileOut(BaseModel):
    """Which profile the next message goes by."""

    profile: Profile
    chosen: bool
    """Whether the pharmacy has chosen it; else it is the program's own setting, `default`."""

    default: Profile
    set_by: str | None
    reason: str | None
    set_at: datetime | None
    prices: dict[str, Price]
    """What each profile takes and costs, measured: shares of what the same flow takes step by step."""


@router.get("/v1/profile", openapi_extra=needs(Right.READ_MODELS), response_model=ProfileOut, responses=SIGNED_IN)
async def get_profile(program: Serving, by: Calling) -> Any:
    """Show how much an earlier answer may cost, who chose it, and what each profile takes and costs."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return reply_profiles.told(await reply_profiles.newest(tx, by.pharmacy_id), program.settings.profile)


@router.put("/v1/profile", openapi_extra=needs(Right.SET_SERVING), response_model=ProfileOut, responses=SIGNED_IN)
async def put_profile(body: ProfileIn, program: Serving, by: Calling) -> Any:
    """Choose; it holds from the next message on, in every process. What is answered stays the same."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await reply_profiles.choose(tx, by.pharmacy_id, by.actor, body.profile, body.reason)
        return reply_profiles.told(await reply_profiles.newest(tx, by.pharmacy_id), program.settings.profile)
