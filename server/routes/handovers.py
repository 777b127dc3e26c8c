"""Handovers: the human queue, emergencies first."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pharmacy.domain.rights import Right
from pharmacy.storage import reading
from server import deciding
from server.access import Calling, Serving, SignedInRoute
from server.answers import HandoverOut, HandoverPage
from server.asks import ID_PATTERN, Acknowledge, Resolve
from server.errors import DECIDING, OF_ONE, SIGNED_IN
from server.rights import needs
from server.routes.conversations import After, Limit

router = APIRouter(prefix="/v1/handovers", tags=["handovers"], route_class=SignedInRoute)


@router.get("", openapi_extra=needs(Right.READ_WORDS), response_model=HandoverPage, responses=SIGNED_IN)
async def list_handovers(
    program: Serving,
    by: Calling,
    limit: Limit = 50,
    after: After = None,
    state: Literal["open", "resolved", "all"] = "open",
    tier: Literal["E", "U", "H"] | None = None,
    conversation_id: str | None = Query(default=None, pattern=ID_PATTERN),
) -> Any:
    """List cases that wait for a person: tier E, then U, then H, then the rest, each by how long it waits."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.list_handovers(
            tx,
            by.pharmacy_id,
            limit=limit,
            after=after,
            state=None if state == "all" else state,
            tier=tier,
            conversation_id=conversation_id,
        )


@router.get("/{handover_id}", openapi_extra=needs(Right.READ_WORDS), response_model=HandoverOut, responses=OF_ONE)
async def get_handover(handover_id: UUID, program: Serving, by: Calling) -> Any:
    """Show one case."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await reading.one_handover(tx, by.pharmacy_id, handover_id)


@router.post(
    "/{handover_id}/acknowledge", openapi_extra=needs(Right.DECIDE), response_model=HandoverOut, responses=DECIDING
)
async def acknowledge(handover_id: UUID, program: Serving, by: Calling, body: Acknowledge | None = None) -> Any:
    """Say that you look after a case: it calls nobody else. An emergency that joins it later calls again."""
    return await deciding.acknowledge(program, by, handover_id, body or Acknowledge())


@router.post(
    "/{handover_id}/resolve", openapi_extra=needs(Right.DECIDE), response_model=HandoverOut, responses=DECIDING
)
async def resolve(handover_id: UUID, program: Serving, by: Calling, body: Resolve | None = None) -> Any:
    """Close a case; one that holds an emergency only with the conversation's current `version`."""
    return await deciding.resolve(program, by, handover_id, body or Resolve())
