"""What comes next after a node; each function is one pure choice.

They are async because LangGraph runs sync ones in a thread pool.
"""

from graph.state import FlowState
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.hit import Tier, highest


async def after_screen(state: FlowState) -> str:
    """Let pass what no structural gate holds; a pharmacist's own request is held by an emergency only."""
    tier = highest(hit.tier for hit in state["screened"])
    held = tier is Tier.E if state["request"].requested else tier is not None
    return "hand_over" if held else "triage"


async def after_triage(state: FlowState) -> str | list[str]:
    """Hold what the words forbid, take a named category straight to its generator, else ask the models."""
    triage, request = state["triage"], state["request"]
    if triage.tier is Tier.E or (triage.tier and not request.requested):
        return "hand_over"
    if named := state.get("category"):
        return f"generate_{named}"
    return ["classify", "switch_phase"]


async def after_choose(state: FlowState) -> str:
    """Write a draft unless the choice names a reason for a person."""
    return "hand_over" if state.get("fault") or state["reason"] else f"generate_{state['category']}"


def after_judge(flow: Flow):  # type: ignore[no-untyped-def]
    """Return the choice after `judge` under `flow`'s draft cap."""

    async def choice(state: FlowState) -> str:
        """Show a draft that clears every bar, redraft while drafts remain, else call a person."""
        judgement = state.get("judgement")
        if state.get("fault") or judgement is None:
            return "hand_over"
        if judgement.clears:
            return "suggest" if state["held_for"] else "auto_send"
        return f"generate_{state['category']}" if len(state["drafts"]) < flow.draft_cap else "hand_over"

    return choice
