"""What a call may cost at most is asked of the purse before it is made, and what it did cost is told it after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from pharmacy.domain.budget import Reserved, Spend
from pharmacy.domain.model import Prompt
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.tried import Target, Tried
from pharmacy.models.usage import UsageBounds


class Purse(Protocol):
    """What was spent today and this month, shared by every process."""

    async def reserve(self, most: Spend, *, saves: bool = False) -> Reserved:
        """Count `most` as spent.

        Args:
            saves: whether a cheaper model stands ready, for the sake of which this call may be refused earlier.

        Raises:
            BudgetReached: a budget is used up, or nearly so where it `saves`; nothing was counted.
        """
        ...

    async def correct(self, reserved: Reserved, spent: Spend) -> None:
        """Count `spent` in place of what was reserved."""
        ...


@dataclass
class Held:
    """One call that the purse knows of."""

    tried: Tried | None = None
    """How it ended. A call that never says so stays counted with all that it was allowed."""


class Budget:
    """One message's way to the purse."""

    def __init__(self, purse: Purse | None, prices: Prices) -> None:
        """Without a purse nothing is bounded by the day."""
        self._purse = purse
        self._prices = prices
        self._correcting: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def held(
        self, target: Target, prompt: Prompt, schema: type[BaseModel], cheaper: Target | None = None
    ) -> AsyncIterator[Held]:
        """Hold what one call of `target` can cost while the body makes it; a local model costs nothing.

        Args:
            cheaper: who is asked once this is refused.

        Raises:
            BudgetReached: a budget is used up, or nearly so and `cheaper` costs less.
        """
        held = Held()
        if self._purse is None or target.ref.is_local:
            yield held
            return
        # Counted before the call and in full: so calls that other workers make just now cannot add up over the cap.
        most = self._at_most(target.ref, bounds := target.bounds(prompt, schema))
        saves = cheaper is not None and self._at_most(cheaper.ref, bounds).cost_usd < most.cost_usd
        reserved = await self._purse.reserve(most, saves=saves)
        try:
            yield held
        finally:
            if held.tried is not None:
                await self._correct(self._purse, reserved, self._cost(target.ref, held.tried))

    async def _correct(self, purse: Purse, reserved: Reserved, spent: Spend) -> None:
        # A run that is cut short has spent all the same.
        task = asyncio.create_task(purse.correct(reserved, spent))
        self._correcting.add(task)
        task.add_done_callback(self._correcting.discard)
        await asyncio.shield(task)

    def _at_most(self, ref: ModelRef, bounds: UsageBounds) -> Spend:
        # A token is at least one byte, so no prompt has more tokens than bytes.
        asked = bounds.prompt_bytes, bounds.max_output_tokens
        return self._spend(sum(asked), self._prices.most_usd(ref, *asked), asked)

    def _cost(self, ref: ModelRef, tried: Tried) -> Spend:
        used = tried.usage.prompt_tokens, tried.usage.completion_tokens
        return self._spend(sum(used), self._prices.cost_usd(ref, tried.served, tried.usage), used)

    def _spend(self, tokens: int, cost_usd: float | None, counted: tuple[int, int]) -> Spend:
        if cost_usd is not None:
            return Spend(tokens, cost_usd)
        guess = self._prices.guess_usd(*counted)
        return Spend(tokens, guess, guess)
