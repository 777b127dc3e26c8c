"""Kakari's flow without its database: gates, graph, models, checks of every answer, accounts."""

from graph.state import RunContext
from pharmacy.domain.profile import Profile
from tests.bench.ways import cpu
from tests.bench.ways.steps import SHELF, Steps, request


class FlowAlone:
    """Every message is a run of its own."""

    def __init__(self, steps: Steps, profile: Profile | None) -> None:
        """Without a profile nothing begins early; `classify` and `switch_phase` stand side by side all the same."""
        self._assembled, self._profile = steps.assembled, profile

    async def answer(self, number: int) -> None:
        """Take message `number` through the flow."""
        models = self._assembled.models_for_run()
        context = RunContext(models, SHELF, profile=self._profile or Profile.THRIFTY)
        asked = request(number, self._assembled.flow.first_phase)
        if self._profile is None:
            await self._assembled.replies.graph.ainvoke({"request": asked}, context=context)
        else:
            await self._assembled.replies.run(asked, context)

    cpu_seconds = staticmethod(cpu.own)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._assembled.registry.aclose()
