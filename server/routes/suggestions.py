"""Suggestions: the queue of drafts to decide, and the decisions."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pharmacy.domain.rights import Right
from pharmacy.storage import reading
from server import deciding
from server.access import Calling, Serving, SignedInRoute
from server.answers import SuggestionOut, SuggestionPage
from server.asks import ID_PATTERN, Approve, Edit, Regenerate, Reject
from server.errors import DECIDING, OF_ONE, SIGNED_IN
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
async def approve(suggestion_id: UUID, body: Approve, program: Serving, by: Calling) -> Any:
    """Send the draft as it is, and close the case that it answers where one is named.

    The output gate reads it once more; what it holds by now goes out with a reason only.
    """
    return await deciding.approve(program, by, suggestion_id, body)


@router.post(
    "/{suggestion_id}/edit", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def edit(suggestion_id: UUID, body: Edit, program: Serving, by: Calling) -> Any:
    """Send another wording; both texts are kept."""
    return await deciding.edit(program, by, suggestion_id, body)


@router.post(
    "/{suggestion_id}/reject", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def reject(suggestion_id: UUID, body: Reject, program: Serving, by: Calling) -> Any:
    """Refuse the draft; the patient then waits for a person, unless the matter is dealt with."""
    return await deciding.reject(program, by, suggestion_id, body)


@router.post(
    "/{suggestion_id}/regenerate", openapi_extra=needs(Right.DECIDE), response_model=SuggestionOut, responses=DECIDING
)
async def regenerate(suggestion_id: UUID, body: Regenerate, program: Serving, by: Calling) -> Any:
    """Have it written again; the new suggestion appears in the queue."""
    return await deciding.regenerate(program, by, suggestion_id, body)
