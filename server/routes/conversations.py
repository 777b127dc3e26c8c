"""Conversations: read them, hold and correct them, reply in person, ask for a draft, stop the run in work."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from pharmacy.domain.rights import Right
from pharmacy.storage import reading
from pharmacy.storage.requests import outcome_of_request
from server import deciding
from server.access import Calling, Serving, SignedInRoute
from server.answers import Asked, ConversationOut, MessagePage, OutcomeOut, Stopped, UnsentOut
from server.asks import ID_PATTERN, Ask, Correct, Respond
from server.errors import DECIDING, OF_ONE
from server.rights import needs
from server.routes.messages import IdempotencyKey
from server.waiting import Wait, wait_for

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=SignedInRoute)

ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
Filter = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


@router.get(
    "/{conversation_id}", openapi_extra=needs(Right.READ_WORDS), response_model=ConversationOut, responses=OF_ONE
)
async def get_conversation(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Show one conversation with its last messages and open items."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await reading.snapshot(tx)
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)


@router.get(
    "/{conversation_id}/messages", openapi_extra=needs(Right.READ_WORDS), response_model=MessagePage, responses=OF_ONE
)
async def list_messages(
    conversation_id: ConversationId, program: Serving, by: Calling, limit: Limit = 50, after: After = None
) -> Any:
    """List a conversation's messages, oldest first."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.list_messages(tx, by.pharmacy_id, conversation_id, limit=limit, after=after)


@router.post(
    "/{conversation_id}/messages",
    openapi_extra=needs(Right.DECIDE),
    response_model=UnsentOut,
    status_code=202,
    responses=DECIDING,
)
async def respond(
    conversation_id: ConversationId,
    body: Respond,
    program: Serving,
    by: Calling,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Send the pharmacist's own reply; what the output gate holds needs a reason. The same reply is sent once only."""
    outbox_id, state = await deciding.respond(program, by, conversation_id, body, idempotency_key)
    return UnsentOut.model_validate({"conversation_id": conversation_id, "outbox_id": str(outbox_id), "state": state})


@router.post(
    "/{conversation_id}/suggestions", openapi_extra=needs(Right.DECIDE), status_code=202, response_model=Asked,
    responses=OF_ONE | {200: {"model": OutcomeOut, "description": "What the request led to, ready in time."}},
)  # fmt: skip
async def ask(
    conversation_id: ConversationId,
    program: Serving,
    by: Calling,
    body: Ask | None = None,
    wait: Wait = None,
) -> Any:
    """Ask for a suggestion, inside a handover too; only an emergency and a used-up daily budget give none."""
    request_id = await deciding.ask(program, by, conversation_id, body or Ask())
    if wait is not None:
        found = await wait_for(
            program, by.pharmacy_id, conversation_id, wait,
            lambda tx: outcome_of_request(tx, by.pharmacy_id, request_id),
        )  # fmt: skip
        if found is not None:
            return JSONResponse(found)
    return Asked(conversation_id=conversation_id, request_id=str(request_id))


@router.post(
    "/{conversation_id}/take-over", openapi_extra=needs(Right.DECIDE), response_model=ConversationOut, responses=OF_ONE
)
async def take_over(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Hold the conversation: until it is given back, no machine answers in it."""
    await deciding.take_over(program, by, conversation_id)
    return await _shown(program, by, conversation_id)


@router.post(
    "/{conversation_id}/give-back", openapi_extra=needs(Right.DECIDE), response_model=ConversationOut, responses=OF_ONE
)
async def give_back(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Let the flow look at the conversation's next message again."""
    await deciding.give_back(program, by, conversation_id)
    return await _shown(program, by, conversation_id)


@router.post(
    "/{conversation_id}/claim", openapi_extra=needs(Right.DECIDE), response_model=ConversationOut, responses=OF_ONE
)
async def claim(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Say that you are the one who looks after this conversation."""
    await deciding.claim(program, by, conversation_id)
    return await _shown(program, by, conversation_id)


@router.patch("/{conversation_id}", openapi_extra=needs(Right.DECIDE), response_model=ConversationOut, responses=OF_ONE)
async def correct(conversation_id: ConversationId, body: Correct, program: Serving, by: Calling) -> Any:
    """Correct phase or category, or snooze."""
    await deciding.correct(program, by, conversation_id, body)
    return await _shown(program, by, conversation_id)


@router.delete("/{conversation_id}/run", openapi_extra=needs(Right.DECIDE), response_model=Stopped, responses=OF_ONE)
async def stop(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Stop the run in work; its messages then wait for a person."""
    return Stopped(stopped=await deciding.stop_run(program, by, conversation_id))


async def _shown(program: Serving, by: Calling, conversation_id: str) -> dict[str, Any]:
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)
