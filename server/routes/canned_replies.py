"""Canned replies: the words that a pharmacy's people use again, under short names."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from pharmacy.domain.rights import Right
from pharmacy.storage import canned_replies
from server import canning
from server.access import Calling, Serving, SignedInRoute
from server.canning import SHORT_NAME, CannedIn
from server.errors import DECIDING, SIGNED_IN
from server.rights import needs

router = APIRouter(prefix="/v1/canned-replies", tags=["canned replies"], route_class=SignedInRoute)

ShortName = Annotated[str, Path(pattern=SHORT_NAME, examples=["挨拶"])]
Read = Annotated[int, Query(ge=1, le=2**31 - 1, description="The version that was read.")]


class CannedOut(BaseModel):
    """A canned reply as kept."""

    name: str
    text: Annotated[str, Field(description="May hold the blank {name}, the patient's name.")]
    version: int
    set_by: str
    updated_at: datetime


class CannedOuts(BaseModel):
    """Every canned reply of the pharmacy, by name."""

    items: list[CannedOut]


@router.get("", openapi_extra=needs(Right.READ_WORDS), response_model=CannedOuts, responses=SIGNED_IN)
async def list_canned(program: Serving, by: Calling) -> Any:
    """List the pharmacy's canned replies."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return {"items": await canned_replies.list_canned(tx, by.pharmacy_id)}


@router.put("/{name}", openapi_extra=needs(Right.DECIDE), response_model=CannedOut, responses=DECIDING)
async def put_canned(name: ShortName, body: CannedIn, program: Serving, by: Calling) -> Any:
    """Keep a canned reply: version 0 makes it, any other changes the one that was read."""
    return await canning.put(program, by, name, body)


@router.delete("/{name}", openapi_extra=needs(Right.DECIDE), status_code=204, responses=DECIDING)
async def remove_canned(name: ShortName, version: Read, program: Serving, by: Calling) -> None:
    """Keep it no longer, if it is still the version that was read."""
    await canning.remove(program, by, name, version)
