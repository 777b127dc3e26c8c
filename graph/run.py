"""Run the flow once over plain values: a pure proposal, harmless to run twice."""

from dataclasses import replace
from typing import cast

from graph.ahead import Ahead
from graph.build import Parts, build
from graph.state import FlowState, Request, RunContext
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome
from pharmacy.observing.tracing import untraced


class ReplyFlow:
    """The compiled flow, built once and run for every message."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.graph = build(parts)

    async def run(self, request: Request, context: RunContext) -> Outcome:
        """Return what the flow proposes for `request`; every model call is in `context.models.calls`."""
        async with Ahead(context.models) as ahead:
            # Within it everything has ended when the run ends, also what nobody asked for in the end.
            with untraced():
                run = self.graph.ainvoke({"request": request}, context=replace(context, ahead=ahead))
                state = cast("FlowState", await run)
        calls = context.models.calls
        return replace(
            state["outcome"],
            drafts=state.get("drafts", ()),
            steps=state["steps"],
            models=models_of(calls),
            cost_usd=cost_of(calls),
        )


def models_of(calls: tuple[ModelCall, ...]) -> dict[str, str]:
    """Return each node with the model that last answered it."""
    return {call.node: call.model_served or call.model_asked for call in calls if call.error is None}


def cost_of(calls: tuple[ModelCall, ...]) -> float | None:
    """Return the cost of all `calls` in US dollars, or None when one of them has no known price."""
    costs = [call.cost_usd for call in calls]
    return None if None in costs else sum(cost or 0.0 for cost in costs)
