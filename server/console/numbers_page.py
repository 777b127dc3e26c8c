"""The page of numbers: what became of the drafts that one had on the screen, or all the pharmacy had."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pharmacy.domain.numbers import DECIDED, Figures
from pharmacy.domain.rights import Right
from pharmacy.storage.numbers import TOTAL
from server.access import Calling, Serving
from server.console.bars import bars_of
from server.console.head import head_of
from server.console.languages import language_of
from server.console.policy_words import PolicyWords
from server.console.route import PageRoute
from server.console.templates import page
from server.numbering import SHIPPED_DAYS, Whose, numbers_of, period_of, today
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PERIODS = (7, 30, 90)


@router.get("/numbers", openapi_extra=needs(Right.READ_FLOW))
async def whole(
    request: Request, program: Serving, by: Calling, whose: Whose = "own",
    days: Annotated[int | None, Query(ge=1, le=366)] = None,
    first: Annotated[str, Query(alias="from", pattern=r"^(\d{4}-\d\d-\d\d)?$")] = "",
    last: Annotated[str, Query(alias="to", pattern=r"^(\d{4}-\d\d-\d\d)?$")] = "",
) -> Response:  # fmt: skip
    """Show the figures of some days, in all and by day, category and model."""
    period = period_of(_day(first), _day(last), days)
    found = await numbers_of(program, by, whose, period)
    async with program.database.begin(by.pharmacy_id) as tx:
        head = await head_of(tx, program, by, "numbers")
    every, language = period.each(), language_of(request)
    words, none = PolicyWords(language, program.assembled.flow), language.translations.gettext("unknown")
    by_day = {day: found[("day", day)] for day in every if ("day", day) in found}
    return page(
        request, "numbers.html", **head, total=found[TOTAL], decided=DECIDED,
        by_category=_rows(found, "category"), by_model=_rows(found, "model"), by_day=by_day,
        bars=bars_of(every, by_day), period=period, whose=whose, today=today(), periods=PERIODS, address=_address,
        nothing=Figures(),
        chosen=None if first or last else days or SHIPPED_DAYS,
        category_named=lambda name: words.category(name) if name else none, model_named=lambda name: name or none,
    )  # fmt: skip


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:  # such as the 31st of a short month, in an address that somebody wrote
        return None


def _rows(found: Any, way: str) -> list[tuple[str | None, Figures]]:
    """Return a way's values with their figures, the one with the most decisions first."""
    rows = [(key[1], figures) for key, figures in found.items() if key[0] == way]
    return sorted(rows, key=lambda row: (-row[1].decisions, str(row[0])))


def _address(**given: Any) -> str:
    return f"/numbers?{urlencode(given)}"
