"""What a caller is told when something cannot be: each error its status, each answer its words."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from pharmacy.redaction.plain import PLAIN
from pharmacy.redaction.redact import LARGEST_NUMBER
from pharmacy.storage.access_attempts import WINDOW
from pharmacy.storage.paging import CursorUnreadable
from pharmacy.storage.refusals import Conflict, NotHere, Stale, StoreBusy
from server.answers import Conflicting, Invalid, Problem
from server.signing_in import SignInRefused, TooManyAttempts
from server.streams import TooManyStreams

log = logging.getLogger(__name__)

LONGEST_VALUE = 200
LONGEST_READ = 2_000
"""Characters; of a longer value nothing is repeated: reading it for personal data would take too long."""

Responses = dict[int | str, dict[str, Any]]

SIGNED_IN: Responses = {
    400: {"model": Problem, "description": "The body is not JSON, or the host is none of this server's names."},
    401: {"model": Problem, "description": "No valid key or session."},
    403: {"model": Problem, "description": "The caller lacks the right, or a page of another site calls."},
    413: {"model": Problem, "description": "The body is too large."},
    422: {"model": Invalid, "description": "A field does not fit."},
    503: {"model": Problem, "description": "The store is busy; ask again."},
}
OF_ONE: Responses = SIGNED_IN | {404: {"model": Problem, "description": "There is no such thing in this pharmacy."}}
DECIDING: Responses = OF_ONE | {
    409: {"model": Conflicting, "description": "The decision rests on what is no longer so."}
}


class Refused(Exception):
    """The request is understood and cannot be done as asked: 422, in the same form as a field that does not fit."""

    def __init__(self, place: str, value: object, expected: str) -> None:
        super().__init__(expected)
        self.entry = {"loc": ["body", place], "msg": expected, "input": shown(value), "type": "refused"}


def add_error_answers(app: FastAPI) -> None:
    """Give every error its answer."""

    @app.exception_handler(NotHere)
    async def not_here(_: Request, error: NotHere) -> JSONResponse:
        return JSONResponse({"detail": PLAIN.text(str(error))}, 404)

    @app.exception_handler(Conflict)
    async def conflict(_: Request, error: Conflict) -> JSONResponse:
        return JSONResponse({"detail": PLAIN.text(str(error))}, 409)

    @app.exception_handler(Stale)
    async def stale(_: Request, error: Stale) -> JSONResponse:
        body = {
            "detail": PLAIN.text(error.said),
            "version": error.version,
            "newer_messages": error.newer_messages,
            "state": error.state,
        }
        return JSONResponse(body, 409)

    @app.exception_handler(StoreBusy)
    async def busy(_: Request, error: StoreBusy) -> JSONResponse:
        log.warning("store_busy %s", error)
        return JSONResponse({"detail": "the store is busy; nothing was written, ask again"}, 503, {"Retry-After": "1"})

    @app.exception_handler(TooManyStreams)
    async def too_many_streams(_: Request, __: TooManyStreams) -> JSONResponse:
        said = "as many event streams are open as this process serves; close one, or ask again later"
        return JSONResponse({"detail": said}, 503, {"Retry-After": "5"})

    @app.exception_handler(SignInRefused)
    async def sign_in_refused(_: Request, __: SignInRefused) -> JSONResponse:
        return JSONResponse({"detail": "name, password or code are wrong"}, 401, {"WWW-Authenticate": "Bearer"})

    @app.exception_handler(TooManyAttempts)
    async def too_many_attempts(_: Request, __: TooManyAttempts) -> JSONResponse:
        wait = {"Retry-After": str(int(WINDOW.total_seconds()))}
        return JSONResponse({"detail": "too many attempts; expected a pause of 15 minutes"}, 429, wait)

    @app.exception_handler(CursorUnreadable)
    async def cursor(_: Request, error: CursorUnreadable) -> JSONResponse:
        entry = {"loc": ["query", "after"], "msg": str(error), "type": "cursor"}
        return JSONResponse({"detail": [entry]}, 422)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> JSONResponse:
        # Nobody is there to read it; and it is no bug, which would be logged.
        return JSONResponse({"detail": "the body did not come whole"}, 408)

    @app.exception_handler(Exception)
    async def bug(_: Request, __: Exception) -> JSONResponse:
        # The server logs it with its trace; whoever calls learns nothing of the inside.
        return JSONResponse({"detail": "something went wrong inside; it is logged"}, 500)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return JSONResponse({"detail": [error.entry]}, 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        entries = [
            {
                "loc": [shown(part) for part in e["loc"]],
                "msg": e["msg"],
                "input": shown(e.get("input")),
                "type": e["type"],
            }
            for e in error.errors()
        ]
        return JSONResponse({"detail": entries}, 422)


def shown(value: object) -> str | int:
    """Return `value` as an answer may repeat it: short, always valid text, and nothing personal."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < LARGEST_NUMBER else "a number as long as a phone's, or longer"
    text = value if isinstance(value, str) else _written(value)
    if len(text) > LONGEST_READ:
        return f"a {type(value).__name__} of {len(text)} characters"
    text = PLAIN.text(text).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _written(value: object) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        return f"a {type(value).__name__}"
