"""Figures: what replies cost, how many the machine gave alone, how fast, how good, and what patients did then."""

from typing import Any

from fastapi import APIRouter

from pharmacy.domain.rights import Right
from server.access import Calling, Serving, SignedInRoute
from server.errors import SIGNED_IN
from server.figures_told import PharmacyFiguresOut, told
from server.figuring import figures_of
from server.numbering import period_of
from server.rights import needs
from server.routes.numbers import Days, First, Last

router = APIRouter(tags=["figures"], route_class=SignedInRoute)


@router.get(
    "/v1/figures", openapi_extra=needs(Right.READ_MODELS), response_model=PharmacyFiguresOut, responses=SIGNED_IN
)
async def get_figures(program: Serving, by: Calling, days: Days = None, first: First = None, last: Last = None) -> Any:
    """Count what replies cost and brought within some days in Japan, for the whole pharmacy.

    A sum that includes a call whose price nobody knows is null, with the number of such calls beside it. What was
    erased is no longer there to be counted.
    """
    registry = program.assembled.registry
    return told(
        await figures_of(program.database, program.settings, registry, by.pharmacy_id, period_of(first, last, days))
    )
