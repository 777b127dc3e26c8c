"""A node's model as the node sees it: tried, tried again, then its fallback, inside the message's account."""

from collections.abc import Sequence
from typing import cast

from pharmacy.domain.errors import ModelUnavailable
from pharmacy.domain.model import Answer, Early, Prompt
from pharmacy.models.asking import Asking
from pharmacy.models.ledger import Ledger
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tried import Failure, Target


class NodeModel:
    """What a node is handed as its `ChatModel`."""

    def __init__(
        self, node: str, targets: Sequence[Target], ledger: Ledger, retry: RetryPolicy, early: Early | None = None
    ) -> None:
        """`targets` are tried in order; the first serves the node, the others are its fallback."""
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
        for target in self._targets:
            tried = await asking.of(target)
            if tried.answer is not None:
                fallen = target is not self._targets[0]
                self._ledger.note_answer(self._node, tried.served or str(target.ref), by_fallback=fallen)
                return cast("Answer", tried.answer)
            failure = tried.failure or failure
            if not failure.may_fall_back:
                break
        raise failure.error
