"""What a person is answered who asked for what is not there or cannot be: a page, where a program gets JSON."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from server.console.route import refusal

Handler = Callable[[Request, Any], Awaitable[Response]]

_NO_PAGES = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")


def add_page_answers(app: FastAPI) -> None:
    """Give every error that is answered at all its page beside its JSON; called when all of them are known."""
    app.exception_handlers[HTTPException] = http_exception_handler
    for error, answer in [*app.exception_handlers.items()]:
        app.exception_handlers[error] = _either(answer)


def is_person(request: Request) -> bool:
    """Say whether a browser asks for a page; under the API's own addresses nobody is answered one."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_NO_PAGES)


def _either(answer: Any) -> Handler:
    async def told(request: Request, error: Any) -> Response:
        if is_person(request):
            return refusal(request, error)
        found: Response = await answer(request, error)
        return found

    return told
