"""A node's model as the node sees it: tried, tried again, then its fallback, inside the message's account."""

from collections.abc import Sequence
from typing import cast

from pharmacy.domain.errors import BudgetReached, ModelUnavailable
from pharmacy.domain.model import Answer, Early, Prompt
from pharmacy.models.asking import Asking
from pharmacy.models.ledger import Ledger
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tried import Failure, Target, Tried


class NodeModel:
    """What a node is handed as its `ChatModel`."""

    def __init__(
        self,
        node: str,
        targets: Sequence[Target],
        ledger: Ledger,
        retry: RetryPolicy,
        early: Early | None = None,
        cheaper: Target | None = None,
    ) -> None:
        """`targets` are tried in order: the first serves the node, the others are its fallback.

        `cheaper` takes the place of all that cost more once a budget is nearly used up.
        """
        self._cheaper = cheaper
        self._early = early
        self._node = node
        self._targets = targets
        self._ledger = ledger
        self._retry = retry

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the model's answer to `prompt`, read into `schema`.

        Raises:
            FlowError: no readable answer could be had in time.
        """
        asking = Asking(self._node, prompt, schema, self._ledger, self._retry, self._early)
        failure = Failure(ModelUnavailable(f"{self._node}: has no model"))
        for named in self._targets:
            tried, target = await self._asked(asking, named)
            if tried.answer is not None:
                fallen = target is not self._targets[0]
                self._ledger.note_answer(self._node, tried.served or str(target.ref), by_fallback=fallen)
                return cast("Answer", tried.answer)
            failure = tried.failure or failure
            if not failure.may_fall_back:
                break
        raise failure.error

    async def _asked(self, asking: Asking, target: Target) -> tuple[Tried, Target]:
        """Return what `target` says, or the cheaper model where money is short; and which of the two it was."""
        if self._cheaper is None or self._cheaper is target:
            return await asking.of(target), target
        try:
            return await asking.of(target, self._cheaper), target
        except BudgetReached:
            return await asking.of(self._cheaper), self._cheaper
