"""The pages of evaluations: what got worse first, then how much, then each candidate's figures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from pharmacy.storage import evaluation_pages, evaluations
from server.access import Calling, Serving
from server.console.head import head_of
from server.console.intervals import Forest, Interval, forest
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.route import PageRoute
from server.console.templates import page
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 20
REGRESSIONS = 20
"""Shown on one page of them."""

Node = Annotated[str, Query(max_length=80)]
After = Annotated[str | None, Query(max_length=200)]


@router.get("/evaluations", openapi_extra=needs(Right.READ_MODELS))
async def whole(request: Request, program: Serving, by: Calling, node: Node = "", after: After = None) -> Response:
    """Show the evaluations of one node or of all, the newest first."""
    async with program.database.begin(by.pharmacy_id) as tx:
        rows, following = await evaluation_pages.page_of(tx, by.pharmacy_id, node or None, ROWS, after)
        head = await head_of(tx, program, by, "evaluations")
    return page(
        request, "evaluations.html", **head, rows=rows, node=node, nodes=[*program.assembled.registry.tables.nodes],
        following=f"/evaluations?{urlencode({'node': node, 'after': following})}" if following else "",
        words=ModelWords(language_of(request), program.assembled.flow),
    )  # fmt: skip


@router.get("/evaluations/{evaluation_id}", openapi_extra=needs(Right.READ_MODELS))
async def one(
    evaluation_id: str, request: Request, program: Serving, by: Calling,
    category: Annotated[str, Query(max_length=80)] = "", begin: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:  # fmt: skip
    """Show one evaluation: what got worse, how much, and each candidate's figures."""
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await evaluations.one(tx, by.pharmacy_id, evaluation_id)
        head = await head_of(tx, program, by, "evaluations")
    figures = found.figures
    words = ModelWords(language_of(request), program.assembled.flow)
    return page(
        request, "evaluation.html", **head, of=found, figures=figures, words=words,
        means=_means(figures) if figures else None, compared=[*_compared(figures, category, begin)] if figures else [],
        measures=_measures(figures) if figures else [], category=category, begin=begin, most=REGRESSIONS,
        categories=_categories(figures) if figures else [], address=_address,
    )  # fmt: skip


def _means(figures: Mapping[str, Any]) -> Forest:
    found = [(one["candidate"], one["scores"].get(figures["metric"])) for one in figures["candidates"]]
    return forest([_interval(name, of) for name, of in found if of and of["value"] is not None])


def _compared(figures: Mapping[str, Any], category: str, begin: int) -> Iterator[dict[str, Any]]:
    """Yield each comparison with the drawing of its differences and the regressions that are asked for."""
    for one in figures["comparisons"]:
        worse = [each for each in one["regressions"] if category in ("", each["category"])]
        drawn = [
            Interval(measure, of["low"], of["mean"], of["high"])
            for measure, of in one["differences"].items()
        ]  # fmt: skip
        yield {**one, "drawn": forest(drawn, around_zero=True), "worse": worse[begin : begin + REGRESSIONS],
               "worse_in_all": len(worse), "more": len(worse) > begin + REGRESSIONS}  # fmt: skip


def _measures(figures: Mapping[str, Any]) -> list[str]:
    """Return every measure, the node's own metric first."""
    named = dict.fromkeys(measure for one in figures["candidates"] for measure in one["scores"])
    return sorted(named, key=lambda measure: (measure != figures["metric"], measure))


def _categories(figures: Mapping[str, Any]) -> Sequence[str]:
    return sorted({each["category"] for one in figures["comparisons"] for each in one["regressions"]})


def _interval(name: str, of: Mapping[str, Any]) -> Interval:
    return Interval(name, of["low"], of["value"], of["high"])


def _address(**given: Any) -> str:
    return f"?{urlencode(given)}#worse"
