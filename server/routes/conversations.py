"""Conversations: read them, hold and correct them, reply in person, ask for a draft, stop the run in work."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from pharmacy.storage import decisions, holding, reading
from pharmacy.storage.decisions import Decision
from pharmacy.storage.requests import outcome_of_request
from server.access import Calling, Serving, SignedInRoute
from server.answers import Asked, ConversationOut, ConversationPage, MessagePage, OutcomeOut, Stopped, UnsentOut
from server.asks import ID_PATTERN, Ask, Correct, Respond
from server.errors import DECIDING, OF_ONE, SIGNED_IN, Refused
from server.outgoing import refuse_bad_wording, wording_context
from server.waiting import Wait, wait_for

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=SignedInRoute)

ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
Filter = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


@router.get("", response_model=ConversationPage, responses=SIGNED_IN)
async def list_conversations(
    program: Serving, by: Calling, limit: Limit = 50, after: After = None,
    waiting: Literal["suggestion", "handover", "taken_over", "nothing"] | None = None,
    phase: Filter = None, category: Filter = None, patient_id: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> Any:  # fmt: skip
    """List conversations, the one with the newest message first."""
    async with program.database.begin() as tx:
        return await reading.list_conversations(
            tx,
            by.pharmacy_id,
            limit=limit,
            after=after,
            waiting=waiting,
            phase=phase,
            category=category,
            patient_id=patient_id,
        )


@router.get("/{conversation_id}", response_model=ConversationOut, responses=OF_ONE)
async def get_conversation(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Show one conversation with its last messages and open items."""
    async with program.database.begin() as tx:
        await reading.snapshot(tx)
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)


@router.get("/{conversation_id}/messages", response_model=MessagePage, responses=OF_ONE)
async def list_messages(
    conversation_id: ConversationId, program: Serving, by: Calling, limit: Limit = 50, after: After = None
) -> Any:
    """List a conversation's messages, oldest first."""
    async with program.database.begin() as tx:
        return await reading.list_messages(tx, by.pharmacy_id, conversation_id, limit=limit, after=after)


@router.post("/{conversation_id}/messages", response_model=UnsentOut, status_code=202, responses=DECIDING)
async def respond(conversation_id: ConversationId, body: Respond, program: Serving, by: Calling) -> Any:
    """Send the pharmacist's own reply; what the output gate holds needs a reason."""
    refuse_bad_wording(
        program, body.text, body.reason, await wording_context(program, by.pharmacy_id, conversation_id, body.text)
    )
    decision = Decision(by.pharmacy_id, by.actor, body.version)
    async with program.database.begin() as tx:
        outbox_id = await decisions.respond(tx, program.jobs, decision, conversation_id, body.text, body.reason)
    return UnsentOut(conversation_id=conversation_id, outbox_id=str(outbox_id), state="queued")


@router.post(
    "/{conversation_id}/suggestions", status_code=202, response_model=Asked,
    responses=OF_ONE | {200: {"model": OutcomeOut, "description": "What the request led to, ready in time."}},
)  # fmt: skip
async def ask(
    conversation_id: ConversationId,
    program: Serving,
    by: Calling,
    body: Ask | None = None,
    wait: Wait = None,
) -> Any:
    """Ask for a suggestion, inside a handover too; only an emergency gives none."""
    instruction = body.instruction if body else ""
    async with program.database.begin() as tx:
        request_id = await decisions.ask(tx, program.jobs, by.pharmacy_id, conversation_id, by.actor, instruction)
    if wait is not None:
        key = f"{by.pharmacy_id}/{conversation_id}"
        found = await wait_for(program, key, wait, lambda tx: outcome_of_request(tx, by.pharmacy_id, request_id))
        if found is not None:
            return JSONResponse(found)
    return Asked(conversation_id=conversation_id, request_id=str(request_id))


@router.post("/{conversation_id}/take-over", response_model=ConversationOut, responses=OF_ONE)
async def take_over(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Hold the conversation: until it is given back, no machine answers in it."""
    async with program.database.begin() as tx:
        await holding.take_over(tx, by.pharmacy_id, conversation_id, by.actor)
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)


@router.post("/{conversation_id}/give-back", response_model=ConversationOut, responses=OF_ONE)
async def give_back(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Let the flow look at the conversation's next message again."""
    return await _change(program, by, conversation_id, "given_back", {"taken_over_by": None, "claimed_by": None})


@router.post("/{conversation_id}/claim", response_model=ConversationOut, responses=OF_ONE)
async def claim(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Say that you are the one who looks after this conversation."""
    return await _change(program, by, conversation_id, "claimed", {"claimed_by": by.actor})


@router.patch("/{conversation_id}", response_model=ConversationOut, responses=OF_ONE)
async def correct(conversation_id: ConversationId, body: Correct, program: Serving, by: Calling) -> Any:
    """Correct phase or category, or snooze."""
    values: dict[str, Any] = body.model_dump(exclude_unset=True)
    flow = program.assembled.flow
    if "phase" in values and values["phase"] not in flow.phases:
        raise Refused("phase", values["phase"], f"expected one of {[*flow.phases]}")
    if values.get("category") is not None and values["category"] not in flow.categories:
        raise Refused("category", values["category"], f"expected one of {[*flow.categories]}, or null")
    if "category" in values:
        values["category_set_by"] = by.actor if values["category"] else None
    return await _change(program, by, conversation_id, "corrected", values)


@router.delete("/{conversation_id}/run", response_model=Stopped, responses=OF_ONE)
async def stop(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """Stop the run in work; its messages then wait for a person."""
    async with program.database.begin() as tx:
        return Stopped(stopped=await holding.stop_run(tx, by.pharmacy_id, conversation_id, by.actor))


async def _change(program: Serving, by: Calling, conversation_id: str, action: str, values: dict[str, Any]) -> Any:
    async with program.database.begin() as tx:
        if values:
            await holding.change(tx, by.pharmacy_id, conversation_id, by.actor, action, values)
        return await reading.one_conversation(tx, by.pharmacy_id, conversation_id)
