"""The shipped flow for LangGraph Studio, named in langgraph.json: to look at, not to answer patients.

It needs no key and no database. A run needs models, a patient and the clock, which only the program hands in.
"""

from pathlib import Path

from graph.assemble import Files, parts_of, words_of
from graph.build import CompiledFlow, build
from nodes.load import load_flow
from pharmacy.domain.gates.recognise import load_or_closed
from pharmacy.models.tables import read_tables

_ROOT = Path(__file__).parent.parent
SHIPPED = Files(_ROOT / "nodes" / "flow.toml", _ROOT / "nodes" / "models.toml", _ROOT / "prompts")


def _shipped() -> CompiledFlow:
    flow = load_flow(SHIPPED.flow)
    words = words_of(flow, read_tables(SHIPPED.models), SHIPPED)
    recogniser, _ = load_or_closed()
    return build(parts_of(flow, words, SHIPPED, recogniser))


# Built when this file is imported: Studio's server calls a function again for every look, and lets none read a file.
reply = _shipped()
