"""POST /v1/messages: take a patient's message, and perhaps wait for what it comes to."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse

from pharmacy.domain.rights import Right
from pharmacy.storage import incoming, outcomes
from pharmacy.storage.access import Caller
from server.access import Calling, Serving, SignedInRoute
from server.answers import OutcomeOut, Taken
from server.asks import MessageIn
from server.errors import SIGNED_IN
from server.program import Program
from server.rights import needs
from server.taking import take_message
from server.waiting import Wait, wait_for

router = APIRouter(prefix="/v1", tags=["messages"], route_class=SignedInRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[\x21-\x7e]{1,255}$", description="The same key with the same message takes it once only."),
]


@router.post(
    "/messages", openapi_extra=needs(Right.TAKE_MESSAGES),
    status_code=202,
    response_model=Taken,
    responses=SIGNED_IN | {200: {"model": OutcomeOut, "description": "The outcome, ready in time."},
                           409: {"description": "The id or key was used with other content.", "model": dict[str, Any]}},
)  # fmt: skip
async def post_message(
    body: MessageIn, request: Request, program: Serving, by: Calling,
    wait: Wait = None, idempotency_key: IdempotencyKey = None,
) -> Any:  # fmt: skip
    """Take one message of a patient. It is stored when this answers; its outcome follows, or is waited for."""
    event_id = body.message_id or f"m-{uuid4()}"
    taken = await take_message(program, by, body, await request.body(), event_id, datetime.now(UTC), idempotency_key)
    if wait is not None and (outcome := await _outcome(program, by, taken, wait)) is not None:
        return JSONResponse(outcome | {"message_id": taken.message_id})
    return Taken(
        message_id=taken.message_id,
        conversation_id=taken.conversation_id,
        patient_id=taken.patient_id,
        version=taken.version,
    )


async def _outcome(program: Program, by: Caller, taken: incoming.Taken, seconds: float) -> dict[str, Any] | None:
    return await wait_for(
        program, by.pharmacy_id, taken.conversation_id, seconds,
        lambda tx: outcomes.outcome_of(tx, by.pharmacy_id, taken.conversation_id, taken.message_id),
    )  # fmt: skip
