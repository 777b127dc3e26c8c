"""Build the flow: pick each node's values from the state, and put its answer back."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel

from graph.edges import declared
from graph.routes import after_choose, after_judge, after_screen, after_triage
from graph.state import FlowState, RunContext
from nodes.auto_send import auto_send
from nodes.choose import choose
from nodes.classify import Compose, classification_schema, classify
from nodes.generate import Assignment, generate
from nodes.hand_over import gate_reason, hand_over
from nodes.judge import judge, verdict_schema
from nodes.load import openings
from nodes.screen import screen
from nodes.suggest import reasons_to_hold, suggest
from nodes.switch_phase import phase_schema, switch_phase
from nodes.triage import Triage, triage
from pharmacy.domain.catalogue import facts_for
from pharmacy.domain.errors import FlowError
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.outcome import Reason, Step

Update = dict[str, Any]
Work = Callable[[FlowState, RunContext], Awaitable[tuple[Update, str]]]

_log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What the flow is built from, once at start."""

    flow: Flow
    recogniser: Recogniser
    words: Mapping[str, Compose]
    """Model node to what fills its prompt."""

    lint_context: LintContext


class Adapters:
    """One method per node: values out of the state, answer into it, and one line for the trail."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.flow = parts.flow
        self.openings = openings(parts.flow)
        # Schemas are built once: making a pydantic model costs more than a local answer.
        self.classification = classification_schema(self.flow)
        self.verdict = verdict_schema(self.flow)
        self.phases: dict[str, type[BaseModel]] = {name: phase_schema(self.flow, name) for name in self.flow.phases}

    async def screen(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        request = state["request"]
        hits = screen(request.transcript, request.standing)
        return {"screened": hits, "phase": request.phase}, _hit_names(hits)

    async def triage(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        found = self._triage(state)
        category = state["request"].category or found.opening
        return {"triage": found, "category": category}, _hit_names(found.hits)

    async def classify(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        model = context.models.model("classify")
        found = await classify(state["request"].transcript, self.parts.words["classify"], self.classification, model)
        return {"classification": found}, f"{found.category} ({found.safety})"

    async def switch_phase(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        phase, model = state["request"].phase, context.models.model("switch_phase")
        transcript, words = state["request"].transcript, self.parts.words["switch_phase"]
        found = await switch_phase(transcript, phase, self.flow, words, self.phases[phase], model)
        return {"switch": found}, f"{phase} → {found.phase}"

    async def choose(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        requested = state["request"].requested
        found = choose(state["classification"], state["switch"], self.flow, requested=requested)
        return {"category": found.category, "phase": found.phase, "reason": found.reason}, found.category

    async def generate(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        drafts = state.get("drafts", ())
        node = f"generate_{state['category']}"
        model = context.models.model(node, drafts_written=len(drafts))
        draft = await generate(self._assignment(state, context), self.parts.words[node], model)
        return {"drafts": (*drafts, draft), "judgement": None}, f"draft {len(drafts) + 1}"

    async def judge(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        draft, model = state["drafts"][-1], context.models.model("judge")
        found = await judge(
            draft, self._assignment(state, context), self.flow, self.parts.lint_context,
            self.parts.words["judge"], self.verdict, model,
        )  # fmt: skip
        category, phase = state["category"], state["phase"]
        held = reasons_to_hold(
            state["request"].standing,
            requested=state["request"].requested,
            fallback_used=context.models.fallback_used,
            allowed=context.auto_allowed.get((category or "", phase), False),
        )
        marks = " ".join(f"{name}={mark.mark}" for name, mark in found.marks.items())
        drafts = (*state["drafts"][:-1], replace(draft, judgement=found))
        return {"drafts": drafts, "judgement": found, "held_for": held}, marks or "blocked by the output gate"

    async def suggest(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        category, phase, draft = str(state["category"]), state["phase"], state["drafts"][-1]
        return {"outcome": suggest(draft, category, phase, state["held_for"])}, "suggestion"

    async def auto_send(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        return {"outcome": auto_send(state["drafts"][-1], str(state["category"]), state["phase"])}, "auto_sent"

    async def hand_over(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        # Whatever holds the message, the handover carries the highest tier found in its words.
        found = state.get("triage") or self._triage(state)
        hits = (*state.get("screened", ()), *found.hits)
        request = state["request"]
        reason = state.get("fault") or state.get("reason") or (gate_reason(hits) if hits else self._used_up(state))
        return {"outcome": hand_over(reason, state.get("category"), request.phase)}, reason.code

    def _used_up(self, state: FlowState) -> Reason:
        judgement = state.get("judgement")
        said = " / ".join(judgement.reasons) if judgement else ""
        return Reason("drafts_used_up", f"{len(state.get('drafts', ()))} drafts, none clears the bars: {said}")

    def _triage(self, state: FlowState) -> Triage:
        texts = [turn.text for turn in state["request"].transcript.to_answer]
        return triage(texts, self.parts.recogniser, self.openings)

    def _assignment(self, state: FlowState, context: RunContext) -> Assignment:
        request, category = state["request"], str(state["category"])
        texts = [turn.text for turn in request.transcript.turns]
        products = context.catalogue.about(texts, request.standing.patient)
        facts = facts_for(self.flow.categories[category].facts, request.standing.patient, products)
        earlier = (*request.earlier, *(draft for draft in state.get("drafts", ()) if draft.judgement))
        return Assignment(request.transcript, category, state["phase"], facts, earlier, request.instruction)


def build(parts: Parts) -> CompiledStateGraph[FlowState, RunContext, FlowState, FlowState]:
    """Return the compiled flow of `parts`."""
    adapters, edges = Adapters(parts), declared(parts.flow)
    graph = StateGraph(FlowState, context_schema=RunContext)
    for name in edges:
        if name != "__start__":
            graph.add_node(name, _node(name, getattr(adapters, "generate" if name.startswith("generate_") else name)))
    routes = {"screen": after_screen, "triage": after_triage, "choose": after_choose, "judge": after_judge(parts.flow)}
    for name, targets in edges.items():
        if name in routes:
            graph.add_conditional_edges(name, routes[name], list(targets))
        elif name not in ("classify", "switch_phase"):
            graph.add_edge(name, targets[0])
    # One waiting edge: `choose` runs once, when both have answered.
    graph.add_edge(["classify", "switch_phase"], "choose")
    return graph.compile(name="reply").with_config(recursion_limit=8 + 2 * parts.flow.draft_cap)


def _node(name: str, work: Work) -> Any:
    """Return `work` as a graph node: timed, in the trail, and with what the flow is ready for turned into a fault."""

    async def run(state: FlowState, runtime: Runtime[RunContext]) -> Update:
        if state.get("fault") and name != "hand_over":
            return {}
        started = time.monotonic()
        try:
            update, says = await work(state, runtime.context)
        except FlowError as error:
            code = "judge_unavailable" if name == "judge" else error.code
            update, says = {"fault": Reason(code, f"{name}: {error}")}, f"fault: {error.code}"
            _log.warning("node_failed", node=name, code=error.code)
        return {**update, "steps": (Step(name, time.monotonic() - started, says),)}

    run.__name__ = name
    return run


def _hit_names(hits: tuple[Any, ...]) -> str:
    return ", ".join(f"{hit.rule} ({hit.tier})" for hit in hits) or "clear"
