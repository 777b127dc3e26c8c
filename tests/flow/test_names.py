"""One name per node, everywhere; and what the outside world opens the flow by."""

import importlib.util
import json
from pathlib import Path

import pytest

from graph.assemble import model_nodes
from graph.build import CompiledFlow
from graph.draw import DRAWING
from graph.edges import END, START, declared
from pharmacy.models.tables import read_tables
from tests.flow.setting import FLOW, GOOD, QUESTION, marked, models, request, run

ROOT = Path(__file__).parents[2]
NODES = [node for node in declared(FLOW) if node != START]
ASKING = model_nodes(FLOW)
# Every category's generator is the one file.
FILES = {node: "generate" if node.startswith("generate_") else node for node in NODES}
NOT_STEPS = {"__init__", "load"}


def test_every_node_has_its_file_and_every_file_its_node() -> None:
    files = {file.stem for file in (ROOT / "nodes").glob("*.py")}

    assert files - NOT_STEPS == set(FILES.values())


@pytest.mark.parametrize("node", NODES)
def test_a_nodes_file_has_its_function(node: str) -> None:
    spec = importlib.util.find_spec(f"nodes.{FILES[node]}")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert callable(getattr(module, FILES[node]))


def test_every_node_that_asks_a_model_has_its_prompt_folder_and_no_folder_is_anothers() -> None:
    folders = {file.parent.name for file in (ROOT / "prompts").glob("*/system.md")}

    assert folders == set(ASKING)


def test_every_node_that_asks_a_model_has_its_table_and_its_own_prompt() -> None:
    tables = read_tables(ROOT / "nodes" / "models.toml").nodes

    assert set(tables) == set(ASKING)
    assert {node: table.prompt for node, table in tables.items()} == {node: f"{node}/system" for node in ASKING}


def test_the_drawing_has_a_box_of_every_name_and_no_other() -> None:
    drawing = DRAWING.read_text(encoding="utf-8")

    boxes = {line.strip().split("(")[0] for line in drawing.splitlines() if "(" in line and "-" not in line}

    assert boxes == {*NODES, START, END}


async def test_the_trail_and_the_records_name_nodes_alike() -> None:
    asked = models(drafts=[GOOD], marks=[marked()])

    outcome = await run(request(QUESTION), asked)

    assert {step.node for step in outcome.steps} <= set(NODES)
    assert {call.node: call.prompt_file for call in asked.calls} == {
        node: f"{node}/system" for node in ("classify", "switch_phase", "generate_order_delivery", "judge")
    }


def test_studio_opens_the_flow_by_the_path_that_langgraph_json_names() -> None:
    named = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    path, variable = named["graphs"]["reply"].split(":")

    # Studio's server loads the file by its path, not as a module of a package.
    spec = importlib.util.spec_from_file_location("opened_by_studio", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    graph: CompiledFlow = getattr(module, variable)

    assert set(graph.get_graph().nodes) == {*NODES, START, END}
    for schema in (graph.get_input_jsonschema(), graph.get_output_jsonschema(), graph.get_context_jsonschema()):
        assert schema


def test_studios_server_is_no_dependency() -> None:
    named = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    needed = [(ROOT / "pyproject.toml"), *(ROOT / "requirements").glob("*.txt")]

    assert named["dependencies"] == ["."]
    for package in ("langgraph-api", "langgraph-cli", "langgraph-runtime"):
        assert not any(package in file.read_text(encoding="utf-8") for file in needed)
