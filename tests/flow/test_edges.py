"""The drawing is true: what is declared is drawn, what is drawn is walked, and no cut goes unnoticed."""

import pytest

from graph.build import CompiledFlow, build
from graph.draw import DRAWING, drawn_edges, mermaid
from graph.edges import END, OUTCOMES, START, Edges, declared
from nodes.load import load_flow
from tests.flow.cases import Case, cases
from tests.flow.setting import FLOW, context, parts
from tests.flow.walking import Edge, Walk, walk

ALL = sorted((source, target) for source, targets in declared(FLOW).items() for target in targets)


def without(edge: Edge) -> Edges:
    """Return what is declared, less `edge`."""
    return {source: tuple(t for t in targets if (source, t) != edge) for source, targets in declared(FLOW).items()}


async def walked(edges: Edges) -> frozenset[Edge]:
    """Return every edge that the cases walk on a graph of `edges`; a case that ends elsewhere is an error."""
    graph, found = build(parts(), edges), set[Edge]()
    for case in cases():
        found |= (await _walk(graph, case)).edges
    return frozenset(found)


async def _walk(graph: CompiledFlow, case: Case) -> Walk:
    way = await walk(graph, case.request, context(case.models, auto=case.auto))
    assert way.outcome is not None
    assert way.outcome.kind is case.ends
    return way


def simple_paths(edges: frozenset[Edge], start: str, goal: str) -> list[tuple[str, ...]]:
    """Return every path from `start` to `goal` that meets no node twice."""
    found: list[tuple[str, ...]] = []
    ahead: list[tuple[str, ...]] = [(start,)]
    while ahead:
        path = ahead.pop()
        if path[-1] == goal:
            found.append(path)
        else:
            ahead += [(*path, target) for source, target in edges if source == path[-1] and target not in path]
    return found


def test_the_committed_drawing_is_what_the_code_draws() -> None:
    assert DRAWING.read_text(encoding="utf-8") == mermaid(build(parts()))


def test_what_is_declared_is_what_is_drawn() -> None:
    assert drawn_edges(build(parts())) == frozenset(ALL)


async def test_what_is_declared_is_what_the_cases_walk() -> None:
    assert await walked(declared(FLOW)) == frozenset(ALL)


@pytest.mark.parametrize("edge", ALL, ids="-to-".join)
async def test_a_cut_edge_is_noticed_by_the_walks(edge: Edge) -> None:
    try:
        noticed = await walked(without(edge)) != frozenset(ALL)
    except (AssertionError, KeyError, ValueError):
        noticed = True  # a run broke or ended elsewhere, or the graph would not be built

    assert noticed


@pytest.mark.parametrize("edge", ALL, ids="-to-".join)
def test_a_cut_edge_is_noticed_by_the_drawing(edge: Edge) -> None:
    try:
        noticed = drawn_edges(build(parts(), without(edge))) != frozenset(ALL)
    except ValueError:
        noticed = True  # a node without a way on is not built

    assert noticed


@pytest.mark.parametrize("source", ["screen", "triage", "classify", "choose", "generate_follow_up"])
def test_a_short_cut_to_auto_send_is_noticed(source: str) -> None:
    more = {**declared(FLOW), source: (*declared(FLOW)[source], "auto_send")}

    assert drawn_edges(build(parts(), more)) != frozenset(ALL)


def test_no_path_reaches_auto_send_without_screen_triage_and_judge() -> None:
    paths = simple_paths(drawn_edges(build(parts())), START, "auto_send")

    assert paths
    assert all({"screen", "triage", "judge"} < set(path) for path in paths)


def test_every_path_ends_in_exactly_one_outcome() -> None:
    paths = simple_paths(drawn_edges(build(parts())), START, END)

    assert paths
    assert all(len(set(path) & set(OUTCOMES)) == 1 and path[-2] in OUTCOMES for path in paths)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
async def test_every_run_ends_in_exactly_one_outcome(case: Case) -> None:
    way = await _walk(build(parts()), case)

    assert [node for node in way.nodes if node in OUTCOMES] == [way.nodes[-1]]


def test_a_node_that_leads_nowhere_is_not_built() -> None:
    with pytest.raises(ValueError, match="'suggest' leads nowhere"):
        build(parts(), {**declared(FLOW), "suggest": ()})


def test_the_flow_under_test_is_the_shipped_one() -> None:
    assert load_flow() == FLOW
