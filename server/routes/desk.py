"""The desk: the list that a pharmacist works from, and how much stands in each of its tabs."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from pharmacy.domain.rights import Right
from pharmacy.storage import desk
from pharmacy.storage.desk_search import LONGEST_QUERY
from pharmacy.storage.desk_tabs import Tab
from server.access import Calling, Serving, SignedInRoute
from server.answers import ConversationPage, DeskOut
from server.asks import ID_PATTERN
from server.errors import SIGNED_IN
from server.rights import needs
from server.routes.conversations import After, Filter, Limit

router = APIRouter(prefix="/v1", tags=["desk"], route_class=SignedInRoute)

Words = Annotated[
    str | None,
    Query(min_length=1, max_length=LONGEST_QUERY, pattern=r"\S",
          description="What stands in a patient's name or id, in a conversation's id or in one of its messages."),
]  # fmt: skip
Asleep = Annotated[
    bool | None,
    Query(description="Only snoozed conversations, or none of them; with a `tab` none unless asked for. "
                      "An open case of tier E or U is never asleep."),
]  # fmt: skip
Mine = Annotated[bool, Query(description="Only those that the caller has claimed or taken over.")]


@router.get("/conversations", openapi_extra=needs(Right.READ_WORDS), response_model=ConversationPage,
            responses=SIGNED_IN)  # fmt: skip
async def list_conversations(
    program: Serving, by: Calling, limit: Limit = 50, after: After = None, tab: Tab | None = None,
    snoozed: Asleep = None, mine: Mine = False, q: Words = None,
    waiting: Literal["suggestion", "handover", "taken_over", "nothing"] | None = None,
    phase: Filter = None, category: Filter = None, channel: Filter = None, tier: Literal["E", "U", "H"] | None = None,
    patient_id: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> Any:  # fmt: skip
    """List conversations: of one tab of the desk in its order, or of all with the newest message first.

    In `person` the most pressing tier comes first, then who waits longest; in `check` who waits longest.
    """
    wanted = desk.Wanted(
        tab, asleep=False if tab and snoozed is None else snoozed, waiting=waiting, phase=phase, category=category,
        channel=channel, patient_id=patient_id, tier=tier, held_by=by.actor if mine else None, words=q,
        answered_by_machines=program.bell.texts.hours.answered_by_machines,
    )  # fmt: skip
    async with program.database.begin(by.pharmacy_id) as tx:
        return await desk.list_rows(tx, by.pharmacy_id, wanted, limit=limit, after=after)


@router.get("/desk", openapi_extra=needs(Right.READ_WORDS), response_model=DeskOut, responses=SIGNED_IN)
async def get_desk(program: Serving, by: Calling) -> Any:
    """Count the conversations of each tab, and the emergencies that are open."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await desk.counts(tx, by.pharmacy_id)
