"""Suggestions: the queue of drafts to decide, and the decisions."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pharmacy.domain.rights import Right
from pharmacy.storage import decisions, reading
from pharmacy.storage.access import Caller
from pharmacy.storage.decisions import Decision
from server.access import Calling, Serving, SignedInRoute
from server.answers import SuggestionOut, SuggestionPage
from server.asks import ID_PATTERN, Decide, Edit, Regenerate, Reject
from server.errors import DECIDING, OF_ONE, SIGNED_IN, Refused
from server.outgoing import refuse_bad_wording, wording_context
from server.rights import needs
from server.routes.conversations import After, Limit

router = APIRouter(prefix="/v1/suggestions", tags=["suggestions"], route_class=SignedInRoute)

State = Literal["open", "automatic", "approved", "edited", "rejected", "regenerated", "superseded", "all"]


@router.get(
    "",
    openapi_extra=needs(Right.READ_WORDS),
    response_model=SuggestionPage,
    response_model_exclude_none=False,
    responses=SIGNED_IN,
)
async def list_suggestions(
    program: Serving, by: Calling, limit: Limit = 50, after: After = None, state: State = "open",
    conversation_id: str | None = Query(default=None, pattern=ID_PATTERN),
) -> Any:  # fmt: skip
    """List suggestions, the one that waited longest first."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.list_suggestions(
            tx,
            by.pharmacy_id,
            limit=limit,
            after=after,
            state=None if state == "all" else state,
            conversation_id=conversation_id,
        )


@router.get("/{suggestion_id}", openapi_extra=needs(Right.READ_WORDS), response_model=SuggestionOut, responses=OF_ONE)
async def get_suggestion(suggestion_id: UUID, program: Serving, by: Calling) -> Any:
    """Show one suggestion with its trail and every model call."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


@router.post(
    "/{suggestion_id}/approve", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def approve(suggestion_id: UUID, body: Decide, program: Serving, by: Calling) -> Any:
    """Send the draft as it is."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.approve(tx, program.jobs, _decision(by, body), suggestion_id)
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


@router.post(
    "/{suggestion_id}/edit", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def edit(suggestion_id: UUID, body: Edit, program: Serving, by: Calling) -> Any:
    """Send another wording; both texts are kept."""
    flow = program.assembled.flow
    if body.category is not None and body.category not in flow.categories:
        raise Refused("category", body.category, f"expected one of {[*flow.categories]}")
    if body.phase is not None and body.phase not in flow.phases:
        raise Refused("phase", body.phase, f"expected one of {[*flow.phases]}")
    async with program.database.begin(by.pharmacy_id) as tx:
        conversation_id = (await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id))["conversation_id"]
    context = await wording_context(program, by.pharmacy_id, conversation_id, body.text)
    overridden = refuse_bad_wording(program, body.text, body.reason, context)
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.edit(
            tx, program.jobs, _decision(by, body), suggestion_id, body.text,
            reason=body.reason, category=body.category, phase=body.phase, overridden=overridden,
        )  # fmt: skip
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


@router.post(
    "/{suggestion_id}/reject", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def reject(suggestion_id: UUID, body: Reject, program: Serving, by: Calling) -> Any:
    """Refuse the draft; the patient then waits for a person, unless the matter is dealt with."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.reject(tx, _decision(by, body), suggestion_id, body.reason, body.detail)
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


@router.post(
    "/{suggestion_id}/regenerate", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def regenerate(suggestion_id: UUID, body: Regenerate, program: Serving, by: Calling) -> Any:
    """Have it written again; the new suggestion appears in the queue."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.regenerate(tx, program.jobs, _decision(by, body), suggestion_id, body.instruction)
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


def _decision(by: Caller, body: Decide) -> Decision:
    return Decision(by.pharmacy_id, by.actor, body.version)
