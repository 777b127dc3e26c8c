"""The file of a patient's message, for a pharmacist to look at."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from pharmacy.domain.rights import Right
from pharmacy.storage import media
from server.access import Calling, Serving, SignedInRoute
from server.asks import ID_PATTERN
from server.errors import OF_ONE
from server.rights import needs
from server.routes.conversations import ConversationId

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=SignedInRoute)

_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
}
_CONTENT = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _ENDINGS}
# The file is a patient's: a browser may keep and show it, and may not take it for anything else or run it.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}


@router.get(
    "/{conversation_id}/messages/{message_id}/media",
    openapi_extra=needs(Right.READ_WORDS),
    response_class=Response,
    responses=OF_ONE | {200: {"content": _CONTENT, "description": "The file as it came from the channel."}},
)
async def get_media(
    conversation_id: ConversationId,
    message_id: Annotated[str, Path(pattern=ID_PATTERN)],
    program: Serving,
    by: Calling,
) -> Response:
    """Give a message's file, to be saved; a file that is not fetched yet, or was refused, is not there."""
    async with program.database.begin(by.pharmacy_id) as tx:
        file = await media.stored(tx, media.Of(by.pharmacy_id, conversation_id, message_id))
    named = f'attachment; filename="{message_id}.{_ENDINGS[file.content_type]}"'
    return Response(file.content, 200, _HEADERS | {"Content-Disposition": named}, media_type=file.content_type)
