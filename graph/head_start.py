"""Which calls begin before the flow asks for them; what comes of them is for the flow's own nodes to say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from graph.ahead import Ahead
from graph.edges import SIDE_BY_SIDE
from graph.state import FlowState, RunContext
from nodes.choose import Choice
from nodes.classify import Compose
from nodes.generate import Assignment, WrittenReply, draft_of, prompt_of
from pharmacy.domain.errors import FlowError
from pharmacy.domain.flow import Flow
from pharmacy.domain.model import Early, Prompt
from pharmacy.domain.outcome import Draft

FIRST_FIELDS: Mapping[str, tuple[str, ...]] = {"classify": ("safety", "category"), "switch_phase": ("phase",)}
"""What decides of each answer; it stands first in its schema."""

Assign = Callable[[FlowState, RunContext], Assignment]
AskedOfJudge = Callable[[FlowState, RunContext, Draft], Prompt | None]


class HeadStart:
    """For the adapters of one flow; all that is of a run is handed in."""

    def __init__(
        self,
        flow: Flow,
        words: Mapping[str, Compose],
        assign: Assign,
        asked_of_judge: AskedOfJudge,
        verdict: type[BaseModel],
    ) -> None:
        """`asked_of_judge` gives what the judge is asked of a draft; None for one that never reaches it."""
        self._flow = flow
        self._words = words
        self._assign = assign
        self._asked_of_judge = asked_of_judge
        self._verdict = verdict

    def early(
        self, node: str, state: FlowState, context: RunContext, choose: Callable[[Mapping[str, Any]], Choice]
    ) -> Early | None:
        """Return who listens to `node`: once all that decides is known, the draft of what is chosen begins."""
        ahead = context.ahead
        if ahead is None:
            return None

        def decided(told: Mapping[str, Any]) -> None:
            found = choose(told)
            if found.reason is not None:
                ahead.give_up(lambda _: True)
            else:
                self.drafts({**state, "category": found.category, "phase": found.phase}, context)

        return ahead.early(node, FIRST_FIELDS[node], SIDE_BY_SIDE, decided)

    def guessed(self, state: FlowState, context: RunContext, categories: Sequence[str], phase: str) -> None:
        """Begin a draft of each of `categories`, and what goes beside a draft for the first of them alone."""
        for number, category in enumerate(categories):
            self._begin({**state, "category": category, "phase": phase}, context, beside=number == 0)

    def drafts(self, state: FlowState, context: RunContext) -> None:
        """Begin the first draft of what `state` names, and give up whatever began for anything else."""
        if context.ahead is not None:
            wanted = (state["category"], state["phase"])
            # Generators and judge are told both.
            context.ahead.give_up(
                lambda one: (one.prompt.blanks.get("category"), one.prompt.blanks.get("phase")) != wanted
            )
        self._begin(state, context, beside=True)

    def _begin(self, state: FlowState, context: RunContext, *, beside: bool) -> None:
        ahead = context.ahead
        if ahead is None:
            return
        node, assignment = f"generate_{state['category']}", self._assign(state, context)
        prompt = prompt_of(assignment, self._words[node])
        ahead.begin(node, 0, prompt, WrittenReply)
        if beside and context.profile.spares:
            self._spare(ahead, node, 1, prompt, lambda answer: self._judged(state, context, answer))

    def spare(self, state: FlowState, context: RunContext) -> None:
        """Begin the draft after the one that is about to be judged, as far as it can be known now."""
        drafts = state["drafts"]
        if context.ahead is None or not context.profile.spares or len(drafts) >= self._flow.draft_cap:
            return
        node, assignment = f"generate_{state['category']}", self._assign(state, context)
        earlier = (*assignment.earlier, replace(drafts[-1], judgement=None))
        prompt = prompt_of(replace(assignment, earlier=earlier), self._words[node])
        self._spare(context.ahead, node, len(drafts), prompt, lambda answer: self._judged(state, context, answer))

    def _spare(self, ahead: Ahead, node: str, written: int, prompt: Prompt, then: Callable[[Any], None]) -> None:
        if written < self._flow.draft_cap and (begun := ahead.begin(node, written, prompt, WrittenReply, spare=True)):
            begun.then(then)

    def _judged(self, state: FlowState, context: RunContext, answer: WrittenReply) -> None:
        """Begin the judgement of a draft in reserve."""
        try:
            draft = draft_of(answer, self._assign(state, context))
        except FlowError:
            return  # whoever takes the draft over is told
        if context.ahead and (prompt := self._asked_of_judge(state, context, draft)):
            context.ahead.begin("judge", 0, prompt, self._verdict)
