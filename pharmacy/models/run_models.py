"""The models of one message: which one serves each node in this run, and the account they share."""

from collections.abc import Callable, Mapping
from typing import Protocol

from pharmacy.domain.model import ChatModel, ModelCall
from pharmacy.models.ledger import Ledger
from pharmacy.models.node_model import NodeModel
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.serving import Serving
from pharmacy.models.tables import NodeTable
from pharmacy.models.tried import Target


class Models(Protocol):
    """What a run needs of the registry."""

    retry: RetryPolicy

    def table(self, node: str) -> NodeTable:
        """Return the node's table."""
        ...

    def serving(self, node: str) -> Serving:
        """Return who serves the node now."""
        ...

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it."""
        ...

    def local_of(self, node: str) -> str | None:
        """Return the local model that stands in for every model of the node; None outside local mode."""
        ...


class RunModels:
    """Handed to one run; not shared between runs."""

    def __init__(self, models: Models, ledger: Ledger, draw: Callable[[], float]) -> None:
        """`draw` gives a number from 0 up to 1, once per node, for canary shares."""
        self._models = models
        self._ledger = ledger
        self._draw = draw
        self._first: dict[str, str] = {}

    def model(self, node: str, drafts_written: int = 0) -> ChatModel:
        """Return what serves `node`: its student or teacher at first, its teacher once a draft was turned down."""
        local = self._models.local_of(node)
        if local is not None:
            return self._asked(node, [local])
        table = self._models.table(node)
        first = self._first_of(node) if drafts_written == 0 else table.teacher
        return self._asked(node, [first, *([table.fallback] if table.fallback else [])])

    def named(self, node: str, ref: str) -> ChatModel:
        """Return the model `ref` under the node's settings, without fallback: for shadows, trials and evaluation."""
        return self._asked(node, [ref])

    def shadow(self, node: str) -> ChatModel | None:
        """Return the student where this run's answer is to be compared with its, else None."""
        table, share = self._models.table(node), self._models.serving(node).shadow_share
        if self._models.local_of(node) or table.student is None or self._draw() >= share:
            return None
        return self.named(node, table.student.model)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call made so far in the order they ended, failed and cancelled ones too."""
        return tuple(self._ledger.calls)

    @property
    def fallback_used(self) -> bool:
        """True when an answer came from a fallback model."""
        return self._ledger.fallback_used

    @property
    def cost_usd(self) -> float | None:
        """What all calls cost so far; None when one's price is unknown."""
        return self._ledger.cost_usd

    @property
    def served(self) -> Mapping[str, str]:
        """Node to the model that its newest answer is from, as the provider named it."""
        return dict(self._ledger.models)

    def _first_of(self, node: str) -> str:
        """Drawn once per run, so that a run does not change its mind half-way."""
        if node not in self._first:
            table, share = self._models.table(node), self._models.serving(node).student_share
            by_student = table.student is not None and self._draw() < share
            self._first[node] = table.student.model if by_student and table.student else table.teacher
        return self._first[node]

    def _asked(self, node: str, refs: list[str]) -> ChatModel:
        targets = [self._models.target(node, ref) for ref in dict.fromkeys(refs)]
        return NodeModel(node, targets, self._ledger, self._models.retry)
