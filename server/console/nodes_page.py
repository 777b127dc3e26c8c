"""The pages of nodes: which model answers for each, since when and by whose word, how good it is and what it costs."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pharmacy.domain.rights import Right
from pharmacy.storage import datasets, evaluations, reply_profiles, servings, training_jobs
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.refusals import NotHere
from server.access import Calling, Serving
from server.console.head import head_of
from server.console.ladder import climb_of
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.node_view import MONTH, WEEK, models_of, nodes_of
from server.console.route import PageRoute
from server.console.templates import page
from server.program import Program
from server.rights import needs

NEWEST = 5
"""Evaluations, datasets and trainings that a node's page names."""

DECISIONS = 20

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/nodes", openapi_extra=needs(Right.READ_MODELS))
async def whole(request: Request, program: Serving, by: Calling, done: Literal["", "profile"] = "") -> Response:
    """Show every node that asks a model, and how much an earlier answer may cost."""
    async with program.database.begin(by.pharmacy_id) as tx:
        nodes, head = await nodes_of(tx, program, by), await head_of(tx, program, by, "nodes")
        profile = reply_profiles.told(await reply_profiles.newest(tx, by.pharmacy_id), program.settings.profile)
    ending = sorted({day for node in nodes for day in node.last_days if day.urgency != "far"}, key=lambda day: day.day)
    return page(
        request, "nodes.html", **head, nodes=nodes, ending=ending, week=WEEK, month=MONTH,
        profile=profile, done=done, may_set=Right.SET_SERVING in by.rights,
        words=ModelWords(language_of(request), program.assembled.flow),
    )  # fmt: skip


@router.get("/nodes/{node}", openapi_extra=needs(Right.READ_MODELS))
async def one(
    node: str, request: Request, program: Serving, by: Calling, done: Literal["", "promoted", "rolled_back"] = ""
) -> Response:
    """Show one node with everything that is known of its models."""
    async with program.database.begin(by.pharmacy_id) as tx:
        blanks = await blanks_of(tx, program, by, node)
    words = ModelWords(language_of(request), program.assembled.flow)
    return page(request, "node.html", **blanks, words=words, done=done)


async def blanks_of(tx: Transaction, program: Program, by: Caller, node: str) -> dict[str, Any]:
    """Return what a node's page is filled with.

    Raises:
        NotHere: there is no such node.
    """
    registry = program.assembled.registry
    if node not in registry.tables.nodes:
        raise NotHere(f"node {node!r}: expected one of {[*registry.tables.nodes]}")
    (view,) = await nodes_of(tx, program, by, only=node)
    trained = [job for job in await training_jobs.all_jobs(tx, by.pharmacy_id) if job.node == node]
    return await head_of(tx, program, by, "nodes") | {
        "node": view, "models": models_of(registry, view), "week": WEEK, "month": MONTH,
        "decisions": (await servings.history(tx, by.pharmacy_id, node))[:DECISIONS],
        "evaluated": await evaluations.ended(tx, by.pharmacy_id, node, limit=NEWEST),
        "climb": await climb_of(tx, program, by.pharmacy_id, node, view.serving),
        "may_set": Right.SET_SERVING in by.rights,
        "versions": (await datasets.versions(tx, by.pharmacy_id, node))[:NEWEST], "trained": trained[:NEWEST],
    }  # fmt: skip
