"""Draw the flow from the compiled graph itself, and keep the committed drawing true."""

from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

DRAWING = Path(__file__).parent.parent / "mermaid" / "reply.mmd"


def mermaid(graph: CompiledStateGraph[Any, Any, Any, Any]) -> str:
    """Return the drawing of `graph` as mermaid text."""
    return str(graph.get_graph().draw_mermaid())


def drawn_edges(graph: CompiledStateGraph[Any, Any, Any, Any]) -> frozenset[tuple[str, str]]:
    """Return the edges that the drawing shows, as (from, to)."""
    return frozenset((edge.source, edge.target) for edge in graph.get_graph().edges)
