"""Presence: who looks at a conversation, who writes in it, and what calls for a pharmacist."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pharmacy.domain.rights import Right
from pharmacy.storage.attention import attention
from server import presence
from server.access import BACKGROUND, Calling, Serving, SignedInRoute
from server.asks import Body
from server.errors import OF_ONE, SIGNED_IN
from server.rights import needs
from server.routes.conversations import ConversationId

router = APIRouter(prefix="/v1", tags=["presence"], route_class=SignedInRoute)
# A page says it by itself, every few seconds: nobody is kept signed in by that.
_LOOKS = needs(Right.READ_WORDS) | BACKGROUND


class PresenceIn(Body):
    """What one page of the caller's shows; to be said again every few seconds while it does."""

    state: Literal["viewing", "editing", "gone"]
    """`editing` from the first change of a text: a conversation of nobody's is then claimed."""

    page: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "page"
    """The page's own mark; a page shows one conversation at a time."""


class PersonHere(BaseModel):
    """Somebody who is in a conversation."""

    name: str
    state: Literal["viewing", "editing"]
    is_you: bool


class PersonSomewhere(PersonHere):
    """Somebody, with the conversation that they are in."""

    conversation_id: str


class PresenceOut(BaseModel):
    """Who is in a conversation, and who holds it."""

    people: list[PersonHere]
    claimed_by: str | None
    taken_over_by: str | None
    you: str


class DeskPresenceOut(BaseModel):
    """Everybody who is in some conversation."""

    people: list[PersonSomewhere]


class AttentionOut(BaseModel):
    """How much calls for a pharmacist; what is new has a higher number than anything before it."""

    waiting: int
    """Conversations of the tab `check`."""

    emergencies: int
    """Open cases of tier E."""

    newest_draft: int
    newest_case: int
    newest_emergency: int
    """0 where there is none."""


@router.put("/conversations/{conversation_id}/presence", openapi_extra=_LOOKS, response_model=PresenceOut,
            responses=OF_ONE)  # fmt: skip
async def put_presence(conversation_id: ConversationId, body: PresenceIn, program: Serving, by: Calling) -> Any:
    """Say what one of your pages shows, and see who else is there; 20 seconds without a word count as gone."""
    return await presence.tell(program, by, conversation_id, body.state, body.page)


@router.get("/conversations/{conversation_id}/presence", openapi_extra=_LOOKS, response_model=PresenceOut,
            responses=OF_ONE)  # fmt: skip
async def get_presence(conversation_id: ConversationId, program: Serving, by: Calling) -> Any:
    """See who is in a conversation, and who holds it."""
    return await presence.of_conversation(program, by, conversation_id)


@router.get("/desk/presence", openapi_extra=_LOOKS, response_model=DeskPresenceOut, responses=SIGNED_IN)
async def get_desk_presence(program: Serving, by: Calling) -> Any:
    """See who is in which conversation."""
    return await presence.of_desk(program, by)


@router.get("/desk/attention", openapi_extra=_LOOKS, response_model=AttentionOut, responses=SIGNED_IN)
async def get_attention(program: Serving, by: Calling) -> Any:
    """See how much calls for a pharmacist, and whether something of it is new: for the title, a sound, a notice."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await attention(tx, by.pharmacy_id)
