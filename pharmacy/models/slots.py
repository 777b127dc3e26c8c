"""Leave to make one call now, under what its model may be asked for by all processes together."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from pharmacy.domain.errors import ModelLimited
from pharmacy.domain.model import Prompt
from pharmacy.domain.pace import ModelLimit, Priority, Turn
from pharmacy.models.model_name import ModelRef, undated
from pharmacy.models.tried import Target, Tried

LONGEST_HOLD_SECONDS = 60.0
"""A provider that asks everybody to wait for longer is asked again after so long."""

LONGEST_SLEEP_SECONDS = 5.0
"""How long one who cannot queue sleeps at most before asking again: others may have given back what they took."""


class Queue(Protocol):
    """What all processes count together."""

    async def take(self, limit: ModelLimit, tokens: int, priority: Priority, longest_seconds: float) -> Turn:
        """Count one call of so many tokens, unless it would have to wait for longer than `longest_seconds`."""
        ...

    def owe(self, limit: ModelLimit, requests: int, tokens: int) -> None:
        """Count so much more, or less where it is below 0, with the next call that this process counts."""
        ...

    async def hold(self, limit: ModelLimit, seconds: float) -> None:
        """Let nobody ask for so long: the provider said so."""
        ...


@dataclass
class Slot:
    """One call's leave, to be ended when the call has."""

    waited_seconds: float = 0.0

    async def end(self, tried: Tried | None) -> None:
        """Take in how the call ended; None: it was never made."""


@dataclass
class CountedSlot(Slot):
    """Leave that others had to do without."""

    queue: Queue = field(kw_only=True)
    limit: ModelLimit = field(kw_only=True)
    tokens: int = field(kw_only=True)
    """What it was counted with."""

    async def end(self, tried: Tried | None) -> None:
        """Count what the call took in place of what it might have; where the provider says to wait, all do."""
        if tried is None:
            self.queue.owe(self.limit, -1, -self.tokens)
            return
        self.queue.owe(self.limit, 0, tried.usage.prompt_tokens + tried.usage.completion_tokens - self.tokens)
        if tried.failure and tried.failure.wait_seconds:
            await self.queue.hold(self.limit, min(tried.failure.wait_seconds, LONGEST_HOLD_SECONDS))


@dataclass(frozen=True)
class Slots:
    """One message's, or one trial's, way to the queues."""

    limits: Mapping[str, ModelLimit] = field(default_factory=dict)
    """`provider:name`, with or without a snapshot's date, to what may be asked of it."""

    queue: Queue | None = None
    """None in a process that shares nothing: it asks as it likes."""

    priority: Priority = Priority.BACKGROUND

    async def take(self, target: Target, prompt: Prompt, schema: type[BaseModel], longest_seconds: float) -> Slot:
        """Return leave to call `target`, as soon as there is some; at once where nothing limits it.

        Raises:
            ModelLimited: it would not come within `longest_seconds`.
        """
        limit = self._limit_of(target.ref)
        if limit is None or self.queue is None:
            return Slot()
        bounds = target.bounds(prompt, schema)
        tokens, begun = bounds.prompt_estimate + bounds.max_output_tokens, time.monotonic()
        wait = await self._counted(self.queue, limit, tokens, begun + longest_seconds)
        slot = CountedSlot(queue=self.queue, limit=limit, tokens=tokens)
        try:
            await asyncio.sleep(wait)
        except asyncio.CancelledError:
            await slot.end(None)
            raise
        slot.waited_seconds = time.monotonic() - begun
        return slot

    async def _counted(self, queue: Queue, limit: ModelLimit, tokens: int, end: float) -> float:
        """Return after how many seconds the call may go out, which is counted by now."""
        while True:
            left = max(0.0, end - time.monotonic())
            turn = await queue.take(limit, tokens, self.priority, left)
            if turn.granted:
                return turn.wait_seconds
            if self.priority is Priority.PATIENT or turn.wait_seconds >= left:
                raise ModelLimited(f"{limit}: all taken for {turn.wait_seconds:.1f} s; expected less than {left:.1f} s")
            # Not all at the same moment again.
            await asyncio.sleep(min(turn.wait_seconds, LONGEST_SLEEP_SECONDS) * random.uniform(1.0, 1.3))  # noqa: S311

    def _limit_of(self, ref: ModelRef) -> ModelLimit | None:
        return self.limits.get(str(ref)) or self.limits.get(f"{ref.provider}:{undated(ref.name)}")
