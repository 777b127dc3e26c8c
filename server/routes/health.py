"""Is it alive, is it ready, what does it count, how is the flow drawn."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from graph.draw import mermaid
from pharmacy.domain.rights import Right
from pharmacy.storage import reading
from pharmacy.storage.refusals import StoreBusy
from server import metrics
from server.access import Calling, Serving, SignedInRoute
from server.errors import SIGNED_IN
from server.rights import needs, open_because

router = APIRouter(tags=["health"])
drawing = APIRouter(tags=["health"], route_class=SignedInRoute)


class Health(BaseModel):
    """The process answers."""

    status: str


class Readiness(BaseModel):
    """What must be so before it can serve, each true or false."""

    ready: bool
    database: bool
    migrations: bool
    worker: bool
    gates: bool
    models: str


@router.get("/healthz", openapi_extra=open_because("says only that the process lives"), response_model=Health)
async def healthz() -> Any:
    """Say that the process lives."""
    return Health(status="ok")


@router.get(
    "/readyz",
    openapi_extra=open_because("yes or no, for whatever watches the process"),
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready."}},
)
async def readyz(program: Serving, response: Response) -> Any:
    """Say whether messages can be taken and answered. `worker` counts every process on this database."""
    try:
        async with program.database.begin_without_pharmacy() as tx:
            revision, worker = await reading.readiness(tx)
        database = True
    except StoreBusy:
        revision, worker, database = None, False, False
    migrations = revision == program.database.revision
    gates = not program.assembled.gates_closed_by
    ready = database and migrations and worker
    response.status_code = 200 if ready else 503
    return Readiness(
        ready=ready,
        database=database,
        migrations=migrations,
        worker=worker,
        gates=gates,
        models=program.assembled.registry.mode,
    )


@router.get(
    "/metrics",
    openapi_extra=open_because("counts without patient, conversation or words"),
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}}},
)
async def show_metrics(request: Request, program: Serving) -> Response:
    """Give Prometheus its figures; no patient, no conversation."""
    await request.app.state.figures.bring_up_to_date(program)
    return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)


@drawing.get(
    "/v1/graph.mmd", openapi_extra=needs(Right.READ_FLOW), response_class=PlainTextResponse, responses=SIGNED_IN
)
async def graph(program: Serving, by: Calling) -> str:  # noqa: ARG001
    """Draw the flow that is running, as mermaid."""
    return mermaid(program.assembled.replies.graph)
