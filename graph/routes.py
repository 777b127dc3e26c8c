"""What comes next after a node; each function is one pure choice.

They are async because LangGraph runs sync ones in a thread pool.
"""

from collections.abc import Awaitable, Callable, Mapping

from graph.edges import SIDE_BY_SIDE
from graph.state import FlowState
from nodes.hand_over import holds
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.hit import highest

Route = Callable[[FlowState], Awaitable[str | list[str]]]


def routes(flow: Flow) -> Mapping[str, Route]:
    """Return each node that has a choice, with that choice under `flow`."""
    return {
        "screen": after_screen,
        "triage": after_triage,
        "choose": after_choose,
        "judge": after_judge(flow.draft_cap),
    }


async def after_screen(state: FlowState) -> str:
    """Let pass what no structural gate holds; a pharmacist's own request is held by an emergency only."""
    held = holds(highest(hit.tier for hit in state["screened"]), requested=state["request"].requested)
    return "hand_over" if held else "triage"


async def after_triage(state: FlowState) -> str | list[str]:
    """Hold what the words forbid, take a named category straight to its generator, else ask the models."""
    if state.get("fault") or holds(state["triage"].tier, requested=state["request"].requested):
        return "hand_over"
    if state["category"] is None:
        return [*SIDE_BY_SIDE]
    return "hand_over" if state["reason"] else f"generate_{state['category']}"


async def after_choose(state: FlowState) -> str:
    """Write a draft unless the choice names a reason for a person."""
    return "hand_over" if state.get("fault") or state["reason"] else f"generate_{state['category']}"


def after_judge(draft_cap: int) -> Route:
    """Return the choice after `judge`, for at most `draft_cap` drafts."""

    async def choice(state: FlowState) -> str:
        """Show a draft that clears every bar, redraft while drafts remain, else call a person."""
        judgement = state.get("judgement")
        if state.get("fault") or judgement is None:
            return "hand_over"
        if judgement.clears:
            return "suggest" if state["held_for"] else "auto_send"
        return f"generate_{state['category']}" if len(state["drafts"]) < draft_cap else "hand_over"

    return choice
