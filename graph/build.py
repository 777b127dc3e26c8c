"""Build the flow: every node of the table, joined by the table's edges and nothing else."""

import time
from typing import Any

import structlog
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graph.adapters import Adapters, Parts, Update, Work
from graph.edges import SIDE_BY_SIDE, START, Edges, declared
from graph.routes import routes
from graph.state import FlowState, RunContext
from pharmacy.domain.errors import BudgetReached, FlowError
from pharmacy.domain.outcome import Reason, Step

__all__ = ["CompiledFlow", "Parts", "build"]

CompiledFlow = CompiledStateGraph[FlowState, RunContext, FlowState, FlowState]

_log = structlog.get_logger()


def build(parts: Parts, edges: Edges | None = None) -> CompiledFlow:
    """Return the compiled flow of `parts`.

    Args:
        edges: which node may lead to which; None takes all that `parts.flow` declares.

    Raises:
        ValueError: a node leads nowhere; LangGraph would end the run there without a word.
    """
    edges = declared(parts.flow) if edges is None else edges
    if lost := [name for name, targets in edges.items() if not targets]:
        raise ValueError(f"{lost[0]!r} leads nowhere; expected a node after it, or the end")
    graph = StateGraph(FlowState, context_schema=RunContext)
    adapters = Adapters(parts)
    for name in edges:
        if name != START:
            graph.add_node(name, _node(name, adapters.work(name)))
    _join(graph, edges, parts)
    # The longest walk: five steps before the first draft, two for each draft, one outcome.
    return graph.compile(name="reply").with_config(recursion_limit=8 + 2 * parts.flow.draft_cap)


def _join(graph: StateGraph[FlowState, RunContext, FlowState, FlowState], edges: Edges, parts: Parts) -> None:
    choices = routes(parts.flow)
    for name, targets in edges.items():
        if name in choices:
            # With its path map: without one the drawing would show a false edge to the end.
            graph.add_conditional_edges(name, choices[name], list(targets))
        elif name not in SIDE_BY_SIDE:
            for target in targets:
                graph.add_edge(name, target)
    # One waiting edge: what follows the two runs once, when both have answered.
    for target in dict.fromkeys(target for name in SIDE_BY_SIDE for target in edges[name]):
        graph.add_edge([name for name in SIDE_BY_SIDE if target in edges[name]], target)


def _node(name: str, work: Work) -> Any:
    """Return `work` as a graph node: timed, in the trail, and with what the flow is ready for turned into a fault."""

    async def run(state: FlowState, runtime: Runtime[RunContext]) -> Update:
        if state.get("fault") and name != "hand_over":
            return {}
        started = time.monotonic()
        runtime.context.begins(name)
        try:
            update, says = await work(state, runtime.context)
        except FlowError as error:
            unjudged = name == "judge" and not isinstance(error, BudgetReached)
            code = "judge_unavailable" if unjudged else error.code
            detail = str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"
            update, says = {"fault": Reason(code, detail, node=name)}, f"fault: {error.code}"
            _log.warning("node_failed", node=name, code=error.code)
        return {**update, "steps": (Step(name, time.monotonic() - started, says),)}

    run.__name__ = name
    return run
