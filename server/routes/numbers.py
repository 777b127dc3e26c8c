"""Numbers: what became of the drafts that people had on their screens; and the note that one is on a screen."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pharmacy.domain.numbers import DECIDED, Edits, Figures, Spread
from pharmacy.domain.rights import Right
from pharmacy.domain.share import Share
from pharmacy.storage import displays
from pharmacy.storage.numbers import TOTAL
from server.access import BACKGROUND, Calling, Serving, SignedInRoute
from server.errors import OF_ONE, SIGNED_IN
from server.numbering import MOST_DAYS, Whose, numbers_of, period_of
from server.rights import needs

router = APIRouter(tags=["numbers"], route_class=SignedInRoute)

_EARLIEST, _LATEST = date(2000, 1, 1), date(2999, 12, 31)
First = Annotated[date | None, Query(alias="from", ge=_EARLIEST, le=_LATEST, description="The first day, in Japan.")]
Last = Annotated[
    date | None, Query(alias="to", ge=_EARLIEST, le=_LATEST, description="The last day; today if left out.")
]
Days = Annotated[
    int | None, Query(ge=1, le=MOST_DAYS, description="As many days up to `to`; 30 where nothing is said.")
]


class DisplayedOut(BaseModel):
    """A draft is on the caller's screen."""

    suggestion_id: str
    shown_at: datetime
    """When the caller first had it there."""


class SpreadOut(BaseModel):
    """How large some values are; null of nothing."""

    n: int
    median: float | None
    p90: float | None
    """Nine of ten are no larger."""


class EditsOut(SpreadOut):
    """How many characters people changed of the drafts that they edited: the fewest that make one text the other."""

    median_share: float | None
    """The same as a share of the longer text, 0 to 1."""


class ShareOut(BaseModel):
    """A share of the decisions, with the 95% interval (Wilson) that their number leaves open."""

    share: float
    low: float
    high: float


class SharesOut(BaseModel):
    """Shares of the decisions; null where nothing was decided."""

    approved: ShareOut | None
    edited: ShareOut | None
    rejected: ShareOut | None
    regenerated: ShareOut | None


class FiguresOut(BaseModel):
    """What became of drafts."""

    displayed: int
    """Drafts that a person had on the screen for the first time within the days."""

    decisions: int
    """Decided within the days, whenever they were first on a screen: the sum of the next four."""

    approved: int
    edited: int
    rejected: int
    regenerated: int
    refused_for: dict[str, int]
    """The reason's code to how many."""

    superseded: int
    """On the screen and then overtaken: by a newer message, a newer draft, or a person's own reply."""

    shares: SharesOut
    seconds_to_decision: SpreadOut
    """From a person's first look at the draft to that person's decision; of drafts whose display was noted."""

    edit_distance: EditsOut


class OfCategory(FiguresOut):
    """The figures of one category."""

    category: str | None


class OfModel(FiguresOut):
    """The figures of one model's drafts."""

    model: str | None
    """null where the draft's record does not say."""


class OfDay(FiguresOut):
    """The figures of one day in Japan."""

    day: date


class NumbersOut(BaseModel):
    """What became of drafts, in all and by category, model and day."""

    first: date
    last: date
    whose: Whose
    total: FiguresOut
    by_category: list[OfCategory]
    by_model: list[OfModel]
    by_day: list[OfDay]
    """Every day of them, those without anything too."""


@router.post(
    "/v1/suggestions/{suggestion_id}/displayed", openapi_extra=needs(Right.READ_WORDS) | BACKGROUND,
    response_model=DisplayedOut, responses=OF_ONE,
)  # fmt: skip
async def displayed(suggestion_id: UUID, program: Serving, by: Calling) -> Any:
    """Note that the draft is on the caller's screen; the first time counts, and saying it again changes nothing."""
    async with program.database.begin(by.pharmacy_id) as tx:
        shown_at = await displays.note(tx, by.pharmacy_id, suggestion_id, by.actor)
    return {"suggestion_id": str(suggestion_id), "shown_at": shown_at}


@router.get("/v1/numbers", openapi_extra=needs(Right.READ_FLOW), response_model=NumbersOut, responses=SIGNED_IN)
async def get_numbers(
    program: Serving, by: Calling, whose: Whose = "own", days: Days = None, first: First = None, last: Last = None
) -> Any:
    """Count what became of drafts within some days in Japan: the caller's own, or the whole pharmacy's.

    The drafts of a patient who was erased are no longer there to be counted.
    """
    period = period_of(first, last, days)
    found = await numbers_of(program, by, whose, period)
    named = {way: sorted((key for key in found if key[0] == way), key=str) for way in ("category", "model")}
    return {
        "first": period.first, "last": period.last, "whose": whose, "total": _told(found[TOTAL]),
        "by_category": [{"category": key[1], **_told(found[key])} for key in named["category"]],
        "by_model": [{"model": key[1], **_told(found[key])} for key in named["model"]],
        "by_day": [{"day": day, **_told(found.get(("day", day), Figures()))} for day in period.each()],
    }  # fmt: skip


def _told(figures: Figures) -> dict[str, Any]:
    decided = {name: figures.decided.get(name, 0) for name in DECIDED}
    return decided | {
        "displayed": figures.displayed, "decisions": figures.decisions, "superseded": figures.superseded,
        "refused_for": figures.refused_for, "seconds_to_decision": _spread(figures.seconds),
        "shares": {name: _share(figures.share(name)) for name in DECIDED}, "edit_distance": _edits(figures.edits),
    }  # fmt: skip


def _share(share: Share) -> dict[str, float] | None:
    low, high = share.interval
    return {"share": share.value, "low": low, "high": high} if share.of else None


def _spread(spread: Spread) -> dict[str, Any]:
    return {"n": spread.n, "median": spread.median, "p90": spread.p90}


def _edits(edits: Edits) -> dict[str, Any]:
    return _spread(edits.chars) | {"median_share": edits.median_share}
