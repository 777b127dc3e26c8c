"""Between the state and the nodes: values out of the state, the answer into it, and one line for the trail."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graph.head_start import HeadStart
from graph.state import FlowState, RunContext
from nodes.auto_send import auto_send, unfit_unseen
from nodes.choose import Choice, choose, left_to_a_person, switched_off
from nodes.classify import Classification, Compose, Safety, classification_schema, classify
from nodes.generate import Assignment, generate
from nodes.hand_over import gate_reason, hand_over, holds, with_gates
from nodes.judge import blocked_by, judge, prompt_of, verdict_schema
from nodes.load import openings
from nodes.screen import screen
from nodes.suggest import reasons_to_hold, suggest
from nodes.switch_phase import PhaseSwitch, phase_schema, switch_phase
from nodes.triage import Reads, Triage, triage
from pharmacy.domain.catalogue import facts_for
from pharmacy.domain.errors import FlowError
from pharmacy.domain.facts import Patient, Product
from pharmacy.domain.falling_short import falls_short
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.hit import GateHit, highest
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.judgement import Judgement
from pharmacy.domain.model import ChatModel, Early, Prompt
from pharmacy.domain.outcome import Draft, Reason
from pharmacy.domain.policy import Mode

Update = dict[str, Any]
"""Keys of the state with their new values."""

Work = Callable[[FlowState, RunContext], Awaitable[tuple[Update, str]]]
"""Gives a node's update and its line for the trail, which holds no word of a patient."""


Guess = Callable[[str, str], tuple[tuple[str, ...], str]]
"""Gives the likely categories of a rendered conversation, the likeliest first, and the likely phase after a phase."""


@dataclass(frozen=True)
class Parts:
    """What the flow is built from, once at start."""

    flow: Flow
    recogniser: Reads
    words: Mapping[str, Compose]
    """Model node to what fills its prompt."""

    lint_context: LintContext
    guess: Guess | None = None
    """Names likely categories at next to no cost, for profiles that begin with them; None where nothing can."""


class Adapters:
    """One method per node, under the node's name."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.flow = parts.flow
        self.openings = openings(parts.flow)
        # Schemas are built once: making a pydantic model costs more than a local answer.
        self.classification = classification_schema(self.flow)
        self.verdict = verdict_schema(self.flow)
        self.phases = {name: phase_schema(self.flow, name) for name in self.flow.phases}
        self.head_start = HeadStart(self.flow, parts.words, self._assignment, self._asked_of_judge, self.verdict)

    def work(self, node: str) -> Work:
        """Return what `node` does; every generator does the same, each with its own words and model."""
        found: Work = getattr(self, "generate" if node.startswith("generate_") else node)
        return found

    async def screen(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        request = state["request"]
        hits = screen(request.transcript, request.standing)
        return {"screened": hits, "phase": request.phase}, _hit_names(hits)

    async def triage(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        found = self._triage(state)
        named = state["request"].category or found.opening
        self._refuse_unknown(state["request"].phase, named)
        reason = named and left_to_a_person(self.flow.categories[named], "set by a pharmacist")
        if named and reason is None and not state["request"].requested:
            reason = switched_off(named, state["request"].phase, context.policy)
        return {"triage": found, "category": named, "reason": reason}, _hit_names(found.hits)

    async def classify(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        transcript, words = state["request"].transcript, self.parts.words["classify"]
        self._guess(state, context)
        model = context.models.model("classify", early=self._early("classify", state, context))
        found = await classify(transcript, words, self.classification, model)
        return {"classification": found}, f"{found.category} ({found.safety})"

    async def switch_phase(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        early = self._early("switch_phase", state, context)
        phase, model = state["request"].phase, context.models.model("switch_phase", early=early)
        transcript, words = state["request"].transcript, self.parts.words["switch_phase"]
        found = await switch_phase(transcript, phase, self.flow, words, self.phases[phase], model)
        return {"switch": found}, f"{phase} → {found.phase}"

    async def choose(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        requested = state["request"].requested
        found = choose(state["classification"], state["switch"], self.flow, context.policy, requested=requested)
        return {"category": found.category, "phase": found.phase, "reason": found.reason}, found.category

    async def generate(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        drafts = state.get("drafts", ())
        node = f"generate_{state['category']}"
        if not drafts and context.profile.spares:
            self.head_start.drafts(state, context)
        model = _model(node, context, len(drafts))
        draft = await generate(self._assignment(state, context), self.parts.words[node], model)
        return {"drafts": (*drafts, draft), "judgement": None}, f"draft {len(drafts) + 1}"

    async def judge(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        *before, draft = state["drafts"]
        self.head_start.spare(state, context)
        found = await judge(
            draft, self._assignment(state, context), self.flow, self._lint_context(state, context, draft.text),
            self.parts.words["judge"], self.verdict, _model("judge", context),
        )  # fmt: skip
        drafts = (*before, replace(draft, judgement=found))
        says = " ".join(f"{name}={mark.mark}" for name, mark in found.marks.items()) or "blocked by the output gate"
        held_for = self._held_for(state, context, drafts)
        return {"drafts": drafts, "judgement": found, "held_for": held_for}, says

    async def suggest(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        draft, held_for = state["drafts"][-1], state["held_for"]
        reached = tuple(falls_short(draft, context.policy, held_for))
        return {"outcome": suggest(draft, _category(state), state["phase"], held_for, reached)}, "suggestion"

    async def auto_send(self, state: FlowState, context: RunContext) -> tuple[Update, str]:
        draft, marking = state["drafts"][-1], context.policy.marking
        return {"outcome": auto_send(draft, _category(state), state["phase"], marking)}, "auto_sent"

    async def hand_over(self, state: FlowState, _: RunContext) -> tuple[Update, str]:
        # Whatever holds the message, the handover carries the highest tier that anything found.
        words = state.get("triage") or self._triage(state)
        hits = (*state.get("screened", ()), *words.hits)
        classified = state.get("classification")
        reason = with_gates(_why(state, hits), hits, classified.safety.tier if classified else None)
        return {"outcome": hand_over(reason, state.get("category"), state["request"].phase)}, reason.code

    def _refuse_unknown(self, phase: str, category: str | None) -> None:
        """A conversation may come from under an older flow file; what it stands in then is for a person to say."""
        if phase not in self.flow.phases:
            raise FlowError(f"phase {phase!r} is none of {[*self.flow.phases]}")
        if category is not None and category not in self.flow.categories:
            raise FlowError(f"category {category!r} is none of {[*self.flow.categories]}")

    def _triage(self, state: FlowState) -> Triage:
        texts = [turn.text for turn in state["request"].transcript.to_answer]
        return triage(texts, self.parts.recogniser, self.openings)

    def _early(self, node: str, state: FlowState, context: RunContext) -> Early | None:
        def chosen(told: Mapping[str, Any]) -> Choice:
            named, moved = Classification(told["safety"], told["category"], ""), PhaseSwitch(told["phase"], "")
            return choose(named, moved, self.flow, context.policy, requested=state["request"].requested)

        return self.head_start.early(node, state, context, chosen)

    def _guess(self, state: FlowState, context: RunContext) -> None:
        """Begin the drafts of what a cheap look finds likely."""
        if not context.profile.guesses or self.parts.guess is None:
            return
        request = state["request"]
        found, phase = self.parts.guess(request.transcript.rendered(), request.phase)
        if phase not in self.flow.phases_after(request.phase):
            phase = request.phase
        likely = [
            name
            for name in found
            if (category := self.flow.categories.get(name))
            and not left_to_a_person(category, "")
            and not switched_off(name, phase, context.policy)
        ]
        self.head_start.guessed(state, context, likely, phase)

    def _asked_of_judge(self, state: FlowState, context: RunContext, draft: Draft) -> Prompt | None:
        assignment = self._assignment(state, context)
        if blocked_by(draft, assignment, self._lint_context(state, context, draft.text)):
            return None
        return prompt_of(draft, assignment, self.flow, self.parts.words["judge"])

    def _assignment(self, state: FlowState, context: RunContext) -> Assignment:
        request, category = state["request"], _category(state)
        wanted = self.flow.categories[category].facts
        facts = facts_for(wanted, request.standing.patient, _products(state, context))
        earlier = (*request.earlier, *(draft for draft in state.get("drafts", ()) if draft.judgement))
        return Assignment(request.transcript, category, state["phase"], facts, earlier, request.instruction)

    def _held_for(self, state: FlowState, context: RunContext, drafts: tuple[Draft, ...]) -> tuple[HeldFor, ...]:
        request, policy = state["request"], context.policy
        category, phase = _category(state), state["phase"]
        listed = policy.policy.mode_of(category, phase) if policy.policy else Mode.SUGGEST
        classified = state.get("classification")
        facts, said = self._assignment(state, context).facts, _said_of(request.standing.patient)
        unfit = unfit_unseen(drafts[-1], policy, request.transcript, facts, said, self.parts.recogniser)
        return reasons_to_hold(
            request.standing,
            drafts,
            requested=request.requested,
            fallback_used=context.models.fallback_used,
            hits=(*state["screened"], *state["triage"].hits),
            classified_clear=classified is None or classified.safety is Safety.CLEAR,
            listed=listed,
            policy=policy,
            # Reading a whole window again costs time; it is spent where the words could go out.
            unfit=unfit if listed is Mode.AUTO else (),
        )

    def _lint_context(self, state: FlowState, context: RunContext, written: str) -> LintContext:
        request = state["request"]
        texts, patient = [turn.text for turn in request.transcript.turns], request.standing.patient
        return replace(self.parts.lint_context, label_doses=context.catalogue.label_doses(texts, patient, written))


def _model(node: str, context: RunContext, drafts_written: int = 0) -> ChatModel:
    """Return what serves `node`, which may have begun already."""
    return (context.ahead or context.models).model(node, drafts_written)


def _products(state: FlowState, context: RunContext) -> tuple[Product, ...]:
    request = state["request"]
    return context.catalogue.about([turn.text for turn in request.transcript.turns], request.standing.patient)


def _said_of(patient: Patient) -> str:
    """Return what a patient can have written of themselves; products and medicines are the pharmacy's own words."""
    told = (patient.name, patient.constitution, *(patient.conditions or ()), *(patient.allergies or ()))
    return "\n".join(words for words in told if words)


def _why(state: FlowState, hits: tuple[GateHit, ...]) -> Reason:
    if holds(highest(hit.tier for hit in hits), requested=state["request"].requested):
        return gate_reason(hits)
    return state.get("fault") or state.get("reason") or _used_up(state.get("drafts", ()), state.get("judgement"))


def _used_up(drafts: tuple[Any, ...], judgement: Judgement | None) -> Reason:
    said = " / ".join(judgement.reasons) if judgement else ""
    return Reason("drafts_used_up", f"{len(drafts)} drafts, none clears the bars: {said}")


def _category(state: FlowState) -> str:
    category = state["category"]
    if category is None:
        raise LookupError("category: None; expected triage or choose to have named one")
    return category


def _hit_names(hits: tuple[GateHit, ...]) -> str:
    return ", ".join(f"{hit.rule} ({hit.tier})" for hit in hits) or "clear"
