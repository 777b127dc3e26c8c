"""The HTTP application: its routes, its limits, its documentation."""

from fastapi import FastAPI

from server import metrics
from server.access import SignedInRoute
from server.compressing import Compressed
from server.console import (
    annotations_page,
    automatic,
    beside,
    canned,
    choosing,
    datasets_page,
    decisions,
    entrance,
    evaluations_page,
    figures_page,
    head,
    nodes_page,
    numbers_page,
    pages,
    policy_page,
    profile_choice,
    promoting_page,
)
from server.console import desk as console
from server.console.lost import add_page_answers
from server.errors import add_error_answers
from server.headers import Guarded
from server.program import Program
from server.provider import Provider
from server.rights import publish_roles, refuse_undeclared
from server.routes import (
    accounts,
    canned_replies,
    conversations,
    desk,
    events,
    facts,
    figures,
    handovers,
    health,
    line,
    media,
    messages,
    notes,
    numbers,
    policy,
    presence,
    profile,
    sessions,
    suggestions,
)

LARGEST_BODY = 1_000_000
"""Bytes; a larger body is answered 413, whether it says its length or not."""


def create_app(program: Program | None = None) -> FastAPI:
    """Return the application over `program`; without one it is good for its documentation only."""
    app = FastAPI(
        title="Kakari",
        version="0.1.0",
        description="Answers the chat of an online kampo pharmacy together with its pharmacists.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_BODY,
    )
    app.state.program = program
    app.state.figures = metrics.Figures()
    app.state.provider = Provider(program.settings) if program and program.settings.oidc_issuer else None
    app.include_router(line.webhook)  # first: routes are tried in their order, and most calls are LINE's
    for router in (
        messages,
        desk,
        conversations,
        notes,
        canned_replies,
        events,
        media,
        suggestions,
        handovers,
        numbers,
        figures,
        facts,
        policy,
        profile,
        presence,
        line,
        sessions,
        accounts,
        health,
        entrance,
        head,
        console,
        decisions,
        automatic,
        policy_page,
        numbers_page,
        figures_page,
        nodes_page,
        promoting_page,
        profile_choice,
        evaluations_page,
        datasets_page,
        annotations_page,
        beside,
        canned,
        pages,
        choosing,
    ):
        app.include_router(router.router)
    app.include_router(health.drawing)
    app.include_router(sessions.entrance)
    refuse_undeclared(app.routes, SignedInRoute)
    add_error_answers(app)
    add_page_answers(app)
    publish_roles(app)
    if program is not None:
        app.add_middleware(Compressed)
        app.add_middleware(Guarded, settings=program.settings)
    return app
