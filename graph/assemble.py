"""Put the flow together from its files: flow, prompts, models. Nothing may start when one of them is wrong."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graph.adapters import Guess
from graph.build import Parts
from graph.run import ReplyFlow
from nodes.classify import BLANKS as CLASSIFY_BLANKS
from nodes.generate import BLANKS as GENERATE_BLANKS
from nodes.judge import BLANKS as JUDGE_BLANKS
from nodes.load import SHIPPED_POLICY, load_flow
from nodes.switch_phase import BLANKS as SWITCH_PHASE_BLANKS
from nodes.triage import Reads
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.recognise import load_or_closed
from pharmacy.domain.model import ChatModel
from pharmacy.domain.pace import Priority
from pharmacy.domain.policy_file import PolicyFile, load_policy
from pharmacy.domain.serving import Serving
from pharmacy.domain.toml_file import TomlFile
from pharmacy.models.budget import Purse
from pharmacy.models.registry import Registry
from pharmacy.models.run_models import RunModels
from pharmacy.models.tables import ModelTables, NodeTable, read_tables
from pharmacy.settings import Settings, endpoint_variables
from prompts.load import blanks_of, compose, fingerprint, guarded_words

_FRAME_BLANKS = {"classify": CLASSIFY_BLANKS, "switch_phase": SWITCH_PHASE_BLANKS, "judge": JUDGE_BLANKS}


@dataclass(frozen=True)
class Files:
    """Where the flow's files are."""

    flow: Path
    models: Path
    prompts: Path
    policy: Path = SHIPPED_POLICY
    students: Path | None = None
    """Where the local students stand that were trained here."""


@dataclass(frozen=True)
class Assembled:
    """The flow and the models that serve it, ready to run."""

    flow: Flow
    replies: ReplyFlow
    registry: Registry
    gates_closed_by: str
    """Why every message is held, or empty while the gate's rules are in force."""

    policy: PolicyFile
    """What may be sent automatically, and the first values."""

    def models_for_run(
        self,
        purse: Purse | None = None,
        *,
        conversation: str | None = None,
        decided: Mapping[str, Serving] | None = None,
        priority: Priority = Priority.BACKGROUND,
    ) -> RunModels:
        """Return the models of one message, whose time starts now; the rest is as `Registry.for_run` takes it."""
        limits = self.registry.tables.limits
        return self.registry.for_run(
            limits.suggest_seconds, limits.calls, purse, conversation=conversation, decided=decided, priority=priority
        )

    def models_beside(self, purse: Purse | None = None) -> RunModels:
        """Return models to be asked by name beside a reply, for as long as a message would have."""
        limits = self.registry.tables.limits
        return self.registry.for_beside(limits.suggest_seconds, limits.calls, purse)


@dataclass(frozen=True)
class Words:
    """What one model node says: its two prompt files, and the blanks that are the same for every message."""

    prompt: str
    frame: str
    static: Mapping[str, str]


def assemble(files: Files, mode: str, environ: Mapping[str, str], contacts: frozenset[str] = frozenset()) -> Assembled:
    """Return the flow of `files`, served by the models that `mode` and `environ` allow.

    Args:
        contacts: the pharmacy's own addresses and numbers, which a draft may name.

    Raises:
        ConfigError: a file is missing or wrong, or a student meets another prompt than it was trained on.
    """
    flow, tables = load_flow(files.flow), read_tables(files.models)
    words = words_of(flow, tables, files)
    prints = {n: fingerprint(w.prompt, w.frame, w.static, folder=files.prompts) for n, w in words.items()}
    registry = Registry.build(tables, prints, mode, environ, local_model=_local_models(files.students))
    recogniser, problem = load_or_closed()
    return Assembled(
        flow,
        ReplyFlow(parts_of(flow, words, files, recogniser, contacts)),
        registry,
        str(problem or ""),
        load_policy(files.policy, flow),
    )


def parts_of(
    flow: Flow, words: Mapping[str, Words], files: Files, recogniser: Reads, contacts: frozenset[str] = frozenset()
) -> Parts:
    """Return what the flow is built from, with `recogniser` to read messages by."""
    filled = {n: partial(compose, w.prompt, w.frame, w.static, folder=files.prompts) for n, w in words.items()}
    guarded = tuple(guarded_words(w.prompt, files.prompts) for w in words.values())
    lint = LintContext(prompt_texts=guarded, allowed_contacts=contacts)
    return Parts(flow, recogniser, filled, lint, _guess())


def words_of(flow: Flow, tables: ModelTables, files: Files) -> Mapping[str, Words]:
    """Return each node of `flow` that asks a model, with what it says.

    Raises:
        ConfigError: naming file and line of the table that is missing, unknown, or names a prompt that cannot be used.
    """
    toml, nodes = TomlFile.read(files.models), model_nodes(flow)
    for node in tables.nodes:
        if node not in nodes:
            raise toml.wrong((node,), f"is no node of {files.flow.name}; expected one of {nodes}")
    for node in nodes:
        if node not in tables.nodes:
            raise toml.wrong((node,), f"is missing; expected a table for each of {nodes}")
    return {node: _words(node, flow, tables.nodes[node], toml, files) for node in nodes}


def assemble_from(settings: Settings) -> Assembled:
    """Return the flow and models that the settings' files describe.

    Raises:
        ConfigError: a file is not as it must be.
    """
    return assemble(files_from(settings), settings.models, endpoint_variables(settings), settings.contacts)


def files_from(settings: Settings) -> Files:
    """Return where the settings say that the flow's files are."""
    prompts, students = settings.prompts_folder, settings.students_folder
    return Files(settings.flow_file, settings.models_file, prompts, settings.policy_file, students)


def model_nodes(flow: Flow) -> list[str]:
    """Return the nodes of `flow` that ask a model."""
    return ["classify", "switch_phase", *(category.node for category in flow.machine_categories), "judge"]


def changing_blanks(node: str) -> frozenset[str]:
    """Return what `node` fills its frame with, of what is recorded of a call."""
    return _FRAME_BLANKS.get(node, GENERATE_BLANKS)


def _local_models(students: Path | None) -> Callable[[str], ChatModel]:
    def load(name: str) -> ChatModel:
        # A program that serves no local model need not import one.
        from pharmacy.models.local.load import local_model

        return local_model(name, students)

    return load


def _guess() -> Guess:
    """Return the local students as who guesses; read when first asked, and silent where they cannot be read."""

    @functools.cache
    def loaded() -> Guess | None:
        # A program that guesses nothing need not import them.
        from pharmacy.models.local.guessing import guesser

        try:
            return guesser()
        except ConfigError:
            return None

    def guess(conversation: str, phase: str) -> tuple[tuple[str, ...], str]:
        by = loaded()
        return by(conversation, phase) if by else ((), phase)

    return guess


def _words(node: str, flow: Flow, table: NodeTable, toml: TomlFile, files: Files) -> Words:
    offered = {
        "categories": flow.described_categories(),
        "phases": flow.described_phases(),
        "criteria_described": flow.described_criteria(),
    }
    changing = _FRAME_BLANKS.get(node, GENERATE_BLANKS)
    try:
        wanted, framed = blanks_of(table.prompt, files.prompts), blanks_of(table.frame, files.prompts)
    except ConfigError as error:
        raise toml.wrong((node, "prompt"), str(error)) from error
    for blank in sorted(wanted - offered.keys()):
        raise toml.wrong((node, "prompt"), f"{table.prompt}: blank {blank!r}; expected some of {sorted(offered)}")
    if framed != changing:
        raise toml.wrong((node, "frame"), f"{table.frame}: blanks {sorted(framed)}; expected {sorted(changing)}")
    # Only the blanks that the prompt has: the others are no part of its fingerprint.
    return Words(table.prompt, table.frame, {name: offered[name] for name in sorted(wanted)})
