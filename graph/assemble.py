"""Put the flow together from its files: flow, prompts, models. Nothing may start when one of them is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graph.build import Parts
from graph.run import ReplyFlow
from nodes.load import load_flow
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.recognise import load_or_closed
from pharmacy.models.registry import Registry
from pharmacy.models.run_models import RunModels
from pharmacy.models.tables import ModelTables, read_tables
from prompts.load import blanks_of, compose, fingerprint, guarded_words


@dataclass(frozen=True)
class Files:
    """Where the flow's files are."""

    flow: Path
    models: Path
    prompts: Path


@dataclass(frozen=True)
class Assembled:
    """The flow and the models that serve it, ready to run."""

    flow: Flow
    replies: ReplyFlow
    registry: Registry
    gates_closed_by: str
    """Why every message is held, or empty while the gate's rules are in force."""

    def models_for_run(self) -> RunModels:
        """Return the models of one message, whose time starts now."""
        limits = self.registry.tables.limits
        return self.registry.for_run(limits.suggest_seconds, limits.calls)


def assemble(files: Files, mode: str, environ: Mapping[str, str]) -> Assembled:
    """Return the flow of `files`, served by the models that `mode` and `environ` allow.

    Raises:
        ConfigError: a file is missing or wrong, or a student meets another prompt than it was trained on.
    """
    flow, tables = load_flow(files.flow), read_tables(files.models)
    nodes = model_nodes(flow)
    if lost := [node for node in nodes if node not in tables.nodes]:
        raise ConfigError(f"{files.models.name}: [{lost[0]}] is missing; expected a table for each of {nodes}")
    if strange := [node for node in tables.nodes if node not in nodes]:
        raise ConfigError(f"{files.models.name}: [{strange[0]}] is no node of {files.flow.name}; expected {nodes}")
    static = {node: _static(node, flow, tables, files) for node in nodes}
    words = {node: partial(compose, *_prompt(tables, node), static[node], folder=files.prompts) for node in nodes}
    prints = {node: fingerprint(*_prompt(tables, node), static[node], folder=files.prompts) for node in nodes}
    registry = Registry.build(tables, prints, mode, environ)
    recogniser, problem = load_or_closed()
    guarded = tuple(guarded_words(tables.nodes[node].prompt, files.prompts) for node in nodes)
    parts = Parts(flow, recogniser, words, LintContext(prompt_texts=guarded))
    return Assembled(flow, ReplyFlow(parts), registry, str(problem or ""))


def model_nodes(flow: Flow) -> list[str]:
    """Return the nodes of `flow` that ask a model."""
    return ["classify", "switch_phase", *(category.node for category in flow.machine_categories), "judge"]


def _static(node: str, flow: Flow, tables: ModelTables, files: Files) -> dict[str, str]:
    """Return the blanks that are the same for every message, so that they belong to the prompt's fingerprint."""
    offered = {
        "categories": flow.described_categories(),
        "phases": flow.described_phases(),
        "criteria_described": flow.described_criteria(),
    }
    file = tables.nodes[node].prompt
    wanted = blanks_of(file, files.prompts)
    if strange := wanted - offered.keys():
        raise ConfigError(
            f"prompts/{file}.md: blank {sorted(strange)[0]!r} is unknown; expected some of {sorted(offered)}"
        )
    return {name: offered[name] for name in sorted(wanted)}


def _prompt(tables: ModelTables, node: str) -> tuple[str, str]:
    return tables.nodes[node].prompt, tables.nodes[node].frame
