"""The plain page: the queue of suggestions and cases, and the decisions, until the console takes its place."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from pharmacy.storage import access
from server.access import program_of, session_of
from server.console.entrance import signed_out
from server.console.templates import HERE, PAGE_HEADERS, page
from server.rights import NEEDED, OPEN, open_because

router = APIRouter(include_in_schema=False)


@router.get(
    "/", openapi_extra=open_because("shows how to sign in to whoever has no session"), response_class=HTMLResponse
)
async def queue(request: Request) -> Response:
    """Show the queue, or how to sign in."""
    program, token = program_of(request), session_of(request)
    async with program.database.begin_without_pharmacy() as tx:
        caller = await access.caller_of_session(tx, token) if token else None
    if caller is None:
        return signed_out(request)
    flow = program.assembled.flow
    labels = {
        "categories": {c.name: c.label for c in flow.categories.values()},
        "phases": {p.name: p.label for p in flow.phases.values()},
        "criteria": {c.name: c.label for c in flow.criteria.values()},
    }
    return page("queue.html", labels=labels, mode=program.assembled.registry.mode)


@router.get("/docs", openapi_extra=open_because("the calls, and nothing of any pharmacy"), response_class=HTMLResponse)
async def docs(request: Request) -> Response:
    """Show every call, what it is for and which right it needs; nothing is fetched from elsewhere."""
    document = request.app.openapi()
    calls = [
        {"method": method.upper(), "path": path, "summary": call.get("description", ""),
         "right": call.get(NEEDED), "open": call.get(OPEN)}
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]  # fmt: skip
    return page("calls.html", calls=calls, version=document["info"]["version"])


@router.get("/static/{name}", openapi_extra=open_because("the page's own files"))
async def static(name: str) -> Response:
    """Serve the page's own files, and no other."""
    files = {file.name: file for file in (HERE / "static").iterdir()}
    return FileResponse(files[name], headers=PAGE_HEADERS) if name in files else Response(status_code=404)
