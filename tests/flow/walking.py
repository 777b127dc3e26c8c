"""Which edges a run walks, by what the graph itself reports."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from graph.build import CompiledFlow
from graph.edges import END, START
from graph.state import Request, RunContext
from pharmacy.domain.outcome import Outcome

Edge = tuple[str, str]


@dataclass(frozen=True)
class Walk:
    """One run's way through the graph."""

    edges: frozenset[Edge]
    nodes: tuple[str, ...]
    """In the order they began, the skipped ones after a fault included."""

    outcome: Outcome | None


async def walk(graph: CompiledFlow, request: Request, context: RunContext) -> Walk:
    """Run `graph` once and return its way."""
    steps: dict[int, dict[str, tuple[str, ...]]] = {}
    outcome = None
    events: AsyncIterator[Any] = graph.astream({"request": request}, context=context, stream_mode=["debug", "values"])
    async for mode, event in events:
        if mode == "values":
            outcome = event.get("outcome")
        elif event["type"] == "task":
            steps.setdefault(event["step"], {})[event["payload"]["name"]] = tuple(event["payload"]["triggers"])
    edges: set[Edge] = set()
    before: tuple[str, ...] = (START,)
    for nodes in steps.values():
        edges |= {edge for node, triggers in nodes.items() for edge in _edges_into(node, triggers, before)}
        before = tuple(nodes)
    edges |= {(node, END) for node in before}
    return Walk(frozenset(edges), tuple(node for nodes in steps.values() for node in nodes), outcome)


def _edges_into(node: str, triggers: tuple[str, ...], before: tuple[str, ...]) -> set[Edge]:
    """A waiting edge names its sources; any other comes from the one node before, and from none that ran beside it."""
    joined = [trigger.split(":")[1] for trigger in triggers if trigger.startswith("join:")]
    if joined:
        return {(source, node) for sources in joined for source in sources.split("+")}
    return {(before[0], node)} if len(before) == 1 else set()
