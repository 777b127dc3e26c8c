"""The plain page: the queue of suggestions and cases, and the decisions, until the console takes its place."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pharmacy.storage import access
from server.access import SESSION_COOKIE, Serving, program_of
from server.rights import open_because

_HERE = Path(__file__).parent
_templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)
# The flow file's order is the one people read marks in.
_templates.policies["json.dumps_kwargs"] = {"sort_keys": False}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

router = APIRouter(include_in_schema=False)


@router.get(
    "/", openapi_extra=open_because("shows how to sign in to whoever has no session"), response_class=HTMLResponse
)
async def queue(request: Request) -> Response:
    """Show the queue, or how to sign in."""
    program = program_of(request)
    token = request.cookies.get(SESSION_COOKIE)
    async with program.database.begin() as tx:
        caller = await access.caller_of_session(tx, token) if token else None
    name = "queue.html" if caller else "signed_out.html"
    flow = program.assembled.flow
    labels = {
        "categories": {c.name: c.label for c in flow.categories.values()},
        "phases": {p.name: p.label for p in flow.phases.values()},
        "criteria": {c.name: c.label for c in flow.criteria.values()},
    }
    page = _templates.get_template(name).render(labels=labels, mode=program.assembled.registry.mode)
    return HTMLResponse(page, 200 if caller else 401, _HEADERS)


@router.get("/sign-in", openapi_extra=open_because("turns a one-time link into a session"))
async def sign_in(program: Serving, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Turn a one-time link into a session; a used or old link shows how to get a new one."""
    async with program.database.begin() as tx:
        session = await access.use_link(tx, token)
    if session is None:
        return HTMLResponse(_templates.get_template("signed_out.html").render(), 401, _HEADERS)
    answer = RedirectResponse("/", 303, _HEADERS)
    answer.set_cookie(
        SESSION_COOKIE, session, httponly=True, samesite="lax", max_age=int(access.SESSION_LIVES.total_seconds())
    )
    return answer


@router.get("/static/{name}", openapi_extra=open_because("the page's own files"))
async def static(name: str) -> Response:
    """Serve the page's own files, and no other."""
    files = {file.name: file for file in (_HERE / "static").iterdir()}
    return FileResponse(files[name], headers=_HEADERS) if name in files else Response(status_code=404)
