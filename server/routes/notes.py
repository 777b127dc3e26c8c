"""Private notes beside a conversation, and what else stands there: how it has moved, what is open, who wrote when."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from pharmacy.domain.rights import Right
from pharmacy.storage import notes, reading
from pharmacy.storage.overview import overview
from server.access import Calling, Serving, SignedInRoute
from server.asks import Body, Reply
from server.errors import OF_ONE
from server.rights import needs
from server.routes.conversations import After, ConversationId, Limit

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=SignedInRoute)


class NoteIn(Body):
    """A note; it is for the pharmacy's people and never sent."""

    text: Reply


class NoteOut(BaseModel):
    """A note as kept."""

    id: UUID
    conversation_id: str
    text: str
    written_by: str
    written_at: datetime


class NotePage(BaseModel):
    """A page of notes."""

    items: list[NoteOut]
    next: str | None


class MoveOut(BaseModel):
    """One change of phase or category, by a node of the flow or by a person."""

    what: Literal["phase", "category"]
    before: str | None
    after: str | None
    node: str | None
    actor: str | None
    at: datetime


class OpenCaseOut(BaseModel):
    """One open case of the patient's, in any of their conversations."""

    id: UUID
    conversation_id: str
    tier: Literal["E", "U", "H"] | None
    code: str
    reasons: list[dict[str, Any]]
    opened_at: datetime
    acknowledged_by: str | None


class ContactOut(BaseModel):
    """When either side last wrote in one of the patient's conversations."""

    conversation_id: str
    channel: str
    patient_wrote_at: datetime | None
    answered_at: datetime | None


class OverviewOut(BaseModel):
    """What stands beside a conversation."""

    began_at: datetime
    moves: list[MoveOut]
    """The newest first, 50 at most."""

    cases: list[OpenCaseOut]
    contacts: list[ContactOut]


@router.get("/{conversation_id}/notes", openapi_extra=needs(Right.READ_WORDS), response_model=NotePage,
            responses=OF_ONE)  # fmt: skip
async def list_notes(
    conversation_id: ConversationId, program: Serving, by: Calling, limit: Limit = 50, after: After = None
) -> Any:
    """List a conversation's private notes, oldest first."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await notes.list_notes(tx, by.pharmacy_id, conversation_id, limit=limit, after=after)


@router.post("/{conversation_id}/notes", openapi_extra=needs(Right.DECIDE), response_model=NoteOut, status_code=201,
             responses=OF_ONE)  # fmt: skip
async def write_note(conversation_id: ConversationId, body: NoteIn, program: Serving, by: Calling) -> Any:
    """Keep a private note; it goes to no patient and into no draft."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await notes.write(tx, by.pharmacy_id, conversation_id, by.actor, body.text)


@router.get("/{conversation_id}/overview", openapi_extra=needs(Right.READ_WORDS), response_model=OverviewOut,
            responses=OF_ONE)  # fmt: skip
async def get_overview(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Show how a conversation has moved, what is open with its patient, and when both sides last wrote."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await reading.snapshot(tx)
        return await overview(tx, by.pharmacy_id, conversation_id)
