"""The page of figures: three charts, each with its table, and below them what money and drafts came to by every way."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from server.access import Calling, Serving
from server.console.figures_charts import charts_of, numbered
from server.console.head import head_of
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.numbers_page import PERIODS, period_asked
from server.console.route import PageRoute
from server.console.templates import page
from server.figures_told import told
from server.figuring import figures_of
from server.numbering import SHIPPED_DAYS, today
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/figures", openapi_extra=needs(Right.READ_MODELS))
async def whole(
    request: Request, program: Serving, by: Calling, days: Annotated[int | None, Query(ge=1, le=366)] = None,
    first: Annotated[str, Query(alias="from", max_length=40)] = "",
    last: Annotated[str, Query(alias="to", max_length=40)] = "",
) -> Response:  # fmt: skip
    """Show what replies cost and brought within some days."""
    period = period_asked(first, last, days)
    registry = program.assembled.registry
    found = told(await figures_of(program.database, program.settings, registry, by.pharmacy_id, period))
    async with program.database.begin(by.pharmacy_id) as tx:
        head = await head_of(tx, program, by, "figures")
    language = language_of(request)
    return page(
        request, "figures.html", **head, found=found, charts=charts_of(found, language), period=period, today=today(),
        periods=PERIODS, chosen=None if first or last else days or SHIPPED_DAYS, address=_address,
        words=ModelWords(language, program.assembled.flow), yen=lambda usd: _yen(usd, found.yen_per_usd.yen),
        top_days=[one for one in found.by_day if one.messages.messages or one.calls.calls], numbered=numbered(found),
    )  # fmt: skip


def _address(days: int) -> str:
    return f"/figures?{urlencode({'days': days})}"


def _yen(usd: float | None, rate: float) -> float | None:
    return None if usd is None else usd * rate
