"""The HTTP application: its routes, its limits, its documentation."""

from fastapi import FastAPI

from server.access import SignedInRoute
from server.console import pages
from server.errors import add_error_answers
from server.program import Program
from server.rights import refuse_undeclared
from server.routes import conversations, facts, handovers, health, messages, suggestions

LARGEST_BODY = 1_000_000
"""Bytes; a larger body is answered 413, whether it says its length or not."""


def create_app(program: Program | None = None) -> FastAPI:
    """Return the application over `program`; without one it is good for its documentation only."""
    app = FastAPI(
        title="Kakari",
        version="0.1.0",
        description="Answers the chat of an online kampo pharmacy together with its pharmacists.",
        redirect_slashes=False,
        redoc_url=None,
        max_body_size=LARGEST_BODY,
    )
    app.state.program = program
    for router in (messages, conversations, suggestions, handovers, facts, health, pages):
        app.include_router(router.router)
    app.include_router(health.drawing)
    refuse_undeclared(app.routes, SignedInRoute)
    add_error_answers(app)
    return app
