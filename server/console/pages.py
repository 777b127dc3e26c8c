"""Pages that ask for no session: what can be called, and the pages' own files."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from server.console.assets import file_answer
from server.console.templates import page
from server.rights import NEEDED, OPEN, open_because

router = APIRouter(include_in_schema=False)


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
    return page(request, "calls.html", calls=calls, version=document["info"]["version"])


@router.get("/static/{name}", openapi_extra=open_because("the page's own files"))
async def static(request: Request, name: str, v: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Serve the page's own files, and no other."""
    return file_answer(name, v, request.headers.get("accept-encoding", ""))
