"""The pages of datasets: versions with their counts, what was left out and why; the trainings made of them."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from pharmacy.storage import datasets, evaluations, training_jobs
from server.access import Calling, Serving
from server.console.head import head_of
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.route import PageRoute
from server.console.templates import page
from server.rights import needs

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 20
SPLITS = ("train", "validation", "held_out")
COUNTED = ("supervised", "preference", "weak", "critical", "topped_up")

Node = Annotated[str, Query(max_length=80)]


@router.get("/datasets", openapi_extra=needs(Right.READ_MODELS))
async def whole(
    request: Request, program: Serving, by: Calling, node: Node = "", begin: Annotated[int, Query(ge=0, le=100_000)] = 0
) -> Response:
    """Show the versions of one node or of all, the newest first, and the trainings."""
    async with program.database.begin(by.pharmacy_id) as tx:
        versions = await datasets.versions(tx, by.pharmacy_id, node or None)
        trained = await training_jobs.all_jobs(tx, by.pharmacy_id)
        head = await head_of(tx, program, by, "datasets")
    more = len(versions) > begin + ROWS
    return page(
        request, "datasets.html", **head, rows=versions[begin : begin + ROWS], node=node,
        nodes=[*program.assembled.registry.tables.nodes],
        trained=[job for job in trained if node in ("", job.node)],
        following=f"/datasets?{urlencode({'node': node, 'begin': begin + ROWS})}" if more else "",
        words=ModelWords(language_of(request), program.assembled.flow),
    )  # fmt: skip


@router.get("/datasets/{version}", openapi_extra=needs(Right.READ_MODELS))
async def one(version: str, request: Request, program: Serving, by: Calling) -> Response:
    """Show what a version says of itself; its rows hold words of patients and are not shown."""
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await datasets.one_version(tx, by.pharmacy_id, version)
        evaluated = [each for each in await evaluations.ended(tx, by.pharmacy_id, found.node)
                     if each.version == version]  # fmt: skip
        trained = [job for job in await training_jobs.all_jobs(tx, by.pharmacy_id) if job.rows_hash == found.rows_hash]
        head = await head_of(tx, program, by, "datasets")
    return page(
        request, "dataset.html", **head, of=found, manifest=found.manifest, splits=SPLITS, counted=COUNTED,
        strata=_strata(found.manifest), evaluated=evaluated, trained=trained,
        is_current=program.assembled.registry.tables.nodes.get(found.node) is not None
        and program.assembled.registry.fingerprint_of(found.node) == found.prompt["fingerprint"],
        words=ModelWords(language_of(request), program.assembled.flow),
    )  # fmt: skip


def _strata(manifest: Any) -> list[dict[str, Any]]:
    """Return category and phase with both shares, the most frequent in production first, and how wide to draw them."""
    rows = sorted(manifest["strata"], key=lambda one: (-one["production_share"], -one["rows"]))
    most = max((max(one["share"], one["production_share"]) for one in rows), default=0.0) or 1.0
    return [
        {**one, "wide": round(one["share"] / most * 100, 2),
         "wide_production": round(one["production_share"] / most * 100, 2)}
        for one in rows
    ]  # fmt: skip
