"""A held automatic text in its conversation: one press takes it back."""

from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from server import letting
from server.access import Calling, Serving
from server.console.decisions import Desk
from server.console.route import PageRoute
from server.rights import needs

router = APIRouter(prefix="/desk", include_in_schema=False, route_class=PageRoute)


@router.post("/conversations/{conversation_id}/automatic/{outbox_id}/cancel", openapi_extra=needs(Right.DECIDE))
async def cancel(conversation_id: str, outbox_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Take the text back; its draft is what the pane then shows."""
    work = partial(letting.cancel, program, by, conversation_id, outbox_id)
    return await Desk(request, program, by).decided(conversation_id, work, "cancelled")
