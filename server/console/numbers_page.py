"""The page of numbers: what became of the drafts that one had on the screen, or all the pharmacy had."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
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
from server.errors import Refused
from server.numbering import MOST_DAYS, SHIPPED_DAYS, Period, Whose, numbers_of, period_of, today
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PERIODS = (7, 30, 90)


@router.get("/numbers", openapi_extra=needs(Right.READ_FLOW))
async def whole(
    request: Request, program: Serving, by: Calling, whose: Whose = "own",
    days: Annotated[int | None, Query(ge=1, le=366)] = None,
    first: Annotated[str, Query(alias="from", max_length=40)] = "",
    last: Annotated[str, Query(alias="to", max_length=40)] = "",
) -> Response:  # fmt: skip
    """Show the figures of some days, in all and by day, category and model."""
    period = period_asked(first, last, days)
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


def period_asked(first: str, last: str, days: int | None) -> Period:
    """Return the days that a page was asked for.

    Raises:
        RequestValidationError: a day is none, or they are too many.
    """
    begins, ends = _day("from", first), _day("to", last)
    try:
        return period_of(begins, ends, days)
    except Refused:
        told = {"most": MOST_DAYS, "last": (ends or today()).isoformat()}
        raise _unfit("from", "period", told) from None


def _day(name: str, given: str) -> date | None:
    """Return the day that is meant, None for none.

    Raises:
        RequestValidationError: it is no day, such as the 31st of a short month.
    """
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise _unfit(name, "date", {}) from None


def _unfit(name: str, kind: str, told: dict[str, Any]) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", name), "msg": kind, "input": "", "type": kind, "ctx": told}])


def _rows(found: Any, way: str) -> list[tuple[str | None, Figures]]:
    """Return a way's values with their figures, the one with the most decisions first."""
    rows = [(key[1], figures) for key, figures in found.items() if key[0] == way]
    return sorted(rows, key=lambda row: (-row[1].decisions, str(row[0])))


def _address(**given: Any) -> str:
    return f"/numbers?{urlencode(given)}"
