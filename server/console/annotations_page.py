"""The annotation queue: runs to look at again, each given to one person at a time, labelled by keys."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pharmacy.domain.rights import Right
from pharmacy.storage import annotation_queue
from pharmacy.storage.access import Caller
from pharmacy.storage.refusals import Conflict
from server.access import Calling, Serving
from server.annotating import Said, label
from server.console.forms import fields_of
from server.console.head import head_of
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.route import PageRoute
from server.console.templates import page
from server.errors import Refused
from server.program import Program
from server.rights import needs

router = APIRouter(prefix="/annotations", include_in_schema=False, route_class=PageRoute)
_READ = needs(Right.READ_WORDS)

ROWS = 20
LONGEST = 5_000


@router.get("", openapi_extra=_READ)
async def whole(request: Request, program: Serving, by: Calling, done: Literal["", "all"] = "") -> Response:
    """Show what waits to be looked at again; what the rule takes of the newest runs is put there first."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await annotation_queue.fill(tx, by.pharmacy_id, program.annotation)
        rows, many = await annotation_queue.waiting(tx, by.pharmacy_id, ROWS)
        head = await head_of(tx, program, by, "annotations")
    return page(request, "annotations.html", **head, rows=rows, many=many, done=done)


@router.post("/next", openapi_extra=_READ)
async def following(program: Serving, by: Calling) -> Response:
    """Reserve the next run that nobody has, and show it."""
    return await _to_next(program, by)


@router.get("/{run_id}", openapi_extra=_READ)
async def one(run_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Show one run and reserve it, unless somebody else has it."""
    return await _shown(request, program, by, run_id)


@router.post("/{run_id}", openapi_extra=_READ)
async def done(run_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Keep what is said of the run, and go on to the next one."""
    fields = {name: str(value) for name, value in (await fields_of(request)).items()}
    try:
        await label(program, by, run_id, _said(fields))
    except Conflict:
        return await _shown(request, program, by, run_id, 409, fields)
    return await _to_next(program, by, run_id)


@router.post("/{run_id}/skip", openapi_extra=_READ)
async def skip(run_id: UUID, program: Serving, by: Calling) -> Response:
    """Let others have the run, and go on to the next one."""
    async with program.database.begin(by.pharmacy_id) as tx:
        await annotation_queue.release(tx, by.pharmacy_id, by.actor, run_id)
    return await _to_next(program, by, run_id)


@router.post("/{run_id}/discard", openapi_extra=_READ)
async def discard(run_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Be done with a run of which nothing is to be learnt."""
    try:
        await label(program, by, run_id, Said())
    except Conflict:
        return await _shown(request, program, by, run_id, 409)
    return await _to_next(program, by, run_id)


async def _to_next(program: Program, by: Caller, after: UUID | None = None) -> Response:
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await annotation_queue.next_of(tx, by.pharmacy_id, by.actor, after)
    return RedirectResponse(f"/annotations/{found}" if found else "/annotations?done=all", 303)


async def _shown(
    request: Request, program: Program, by: Caller, run_id: UUID, status: int = 200,
    entered: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    async with program.database.begin(by.pharmacy_id) as tx:
        item = await annotation_queue.reserve(tx, by.pharmacy_id, by.actor, run_id)
        seen = await annotation_queue.seen_of(tx, by.pharmacy_id, run_id)
        _, many = await annotation_queue.waiting(tx, by.pharmacy_id, 1)
        head = await head_of(tx, program, by, "annotations")
    is_free = item.done_at is None and item.reserved_by in (None, by.actor)
    given = {"category": seen.category or "", "phase": seen.phase or "", "reply": seen.draft or "", "comment": ""}
    given |= {f"mark.{name}": str(mark.mark) for name, mark in seen.marks.items()}
    return page(
        request, "annotation.html", status, **head, item=item, seen=seen, many=many, is_free=is_free,
        entered=given | (entered or {}), flow=program.assembled.flow,
        words=ModelWords(language_of(request), program.assembled.flow),
    )  # fmt: skip


def _said(fields: dict[str, str]) -> Said:
    """Return what a form says.

    Raises:
        Refused: a mark is no number, or a text too long.
    """
    marks = {}
    for name, value in fields.items():
        if name.startswith("mark."):
            if value not in ("1", "2", "3", "4", "5"):
                raise Refused(name, value, "expected 1 to 5")
            marks[name.removeprefix("mark.")] = int(value)
    for name in ("reply", "comment"):
        if len(fields.get(name, "")) > LONGEST:
            raise Refused(name, fields[name][:80], f"expected at most {LONGEST} characters")
    return Said(fields.get("category"), fields.get("phase"), fields.get("reply"), marks, fields.get("comment"))
