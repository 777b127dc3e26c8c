"""A node's model with a memory before it: what was answered and approved before is answered again, and is free."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pharmacy.domain.model import Answer, ChatModel, ModelCall, Prompt
from pharmacy.models.ledger import Ledger
from pharmacy.models.reading import read_answer

ASKED = "cache:replies"
"""Stands in a call's record where a model would; no endpoint is called so."""


@dataclass(frozen=True)
class Recalled:
    """An answer from memory."""

    output: str
    """As the node's model would have given it."""

    how: str
    """`exact` or `near`."""


class Memory(Protocol):
    """What one run may be answered from."""

    nodes: frozenset[str]
    """Those whose answers may come from memory."""

    async def recall(self, node: str, model: str, prompt: Prompt) -> Recalled | None:
        """Return the answer that `model` gave `node` to this before, or None; it never raises for want of one."""
        ...


@dataclass(frozen=True)
class Remembered:
    """What a node is handed as its `ChatModel` where it has a memory."""

    node: str
    name: str
    """The model's, as `provider:name`."""

    model: ChatModel
    memory: Memory
    ledger: Ledger

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return what was answered before, or ask the model.

        Raises:
            FlowError: nothing was, and the model gave no readable answer in time.
        """
        started, begun = datetime.now(UTC), time.monotonic()
        found = await self.memory.recall(self.node, self.name, prompt)
        if found is None:
            return await self.model.answer(prompt, schema)
        answer = read_answer(found.output, schema)
        self.ledger.calls.append(self._call(prompt, found, started, time.monotonic() - begun))
        self.ledger.note_answer(self.node, f"cache:{found.how}", by_fallback=False)
        return answer

    def _call(self, prompt: Prompt, found: Recalled, started: datetime, seconds: float) -> ModelCall:
        return ModelCall(
            node=self.node,
            prompt_file=prompt.file,
            prompt_fingerprint=prompt.fingerprint,
            blanks=prompt.blanks,
            model_asked=ASKED,
            model_served=f"cache:{found.how}",
            output=found.output,
            prompt_tokens=0,
            cached_tokens=0,
            completion_tokens=0,
            tokens_estimated=False,
            cost_usd=0.0,
            started_at=started,
            seconds=seconds,
            attempt=1,
            error=None,
        )
