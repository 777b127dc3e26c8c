"""The models of one message: which one serves each node in this run, and the account they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pharmacy.domain.model import ChatModel, Early, ModelCall
from pharmacy.domain.serving import Serving, drawn
from pharmacy.models.ledger import Ledger
from pharmacy.models.node_model import NodeModel
from pharmacy.models.remembered import ASKED, Memory, Remembered
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tried import Target


class Models(Protocol):
    """What a run needs of the registry."""

    retry: RetryPolicy

    def teacher_of(self, node: str) -> str:
        """Return the node's teacher, as `provider:name`."""
        ...

    def student_of(self, node: str) -> str | None:
        """Return its student, if it has one that can be asked."""
        ...

    def student_drafts_of(self, node: str) -> int:
        """Return how many drafts of a message its student may write, 1 or more."""
        ...

    def fallback_of(self, node: str) -> str | None:
        """Return what is asked when the serving model cannot be had."""
        ...

    def cheaper_of(self, node: str) -> str | None:
        """Return what is asked in place of dearer ones once a budget is nearly used up."""
        ...

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it."""
        ...


@dataclass(frozen=True)
class Chosen:
    """A model that was drawn: of two for a node's first answer, or to answer beside the one that serves."""

    model: str
    share: float
    """With what probability it was this one, above 0 and up to 1."""


class RunModels:
    """Handed to one run; not shared between runs."""

    def __init__(self, models: Models, ledger: Ledger, serving: Mapping[str, Serving], conversation: str) -> None:
        """`serving` says of each node who serves it; `conversation` decides on which side of a share the run falls."""
        self._models = models
        self._ledger = ledger
        self._serving = serving
        self._conversation = conversation
        self._chosen: dict[str, Chosen] = {}
        self._memory: Memory | None = None

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return what serves `node`: its student or teacher at first, its teacher once the student has had its drafts.

        Args:
            early: who is told of the first fields of its answer, where it can be streamed.
        """
        teacher = self._models.teacher_of(node)
        first = self._first_of(node, teacher) if drafts_written < self._models.student_drafts_of(node) else teacher
        fallback = self._models.fallback_of(node)
        asked = self._asked(node, [first, *([fallback] if fallback else [])], early, self._models.cheaper_of(node))
        if self._memory is None or drafts_written or node not in self._memory.nodes:
            return asked
        return Remembered(node, first, asked, self._memory, self._ledger)

    def remember(self, memory: Memory) -> None:
        """Answer first drafts from `memory` from now on, where it knows them."""
        self._memory = memory

    def named(self, node: str, ref: str) -> ChatModel:
        """Return the model `ref` under the node's settings, without fallback: for shadows, trials and evaluation."""
        return self._asked(node, [ref])

    @property
    def shadows(self) -> Mapping[str, Chosen]:
        """Node to its student, and the share of conversations that are drawn, where this one is among them.

        Nodes whose models have answered so far, and whose student was not asked itself.
        """
        answered = dict.fromkeys(c.node for c in self._ledger.calls if c.error is None and c.model_asked != ASKED)
        asked = {(call.node, call.model_asked) for call in self._ledger.calls}
        found = {node: (self._models.student_of(node), self._serving[node].shadow_share) for node in answered}
        return {
            node: Chosen(student, share)
            for node, (student, share) in found.items()
            if student is not None
            and (node, student) not in asked
            and drawn(self._conversation, node, "shadow") < share
        }

    @property
    def chosen(self) -> Mapping[str, Chosen]:
        """Node to the model that was drawn for it so far; not those that left nothing to chance, or to memory."""
        recalled = {call.node for call in self._ledger.calls if call.model_asked == ASKED}
        return {node: chosen for node, chosen in self._chosen.items() if node not in recalled}

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

    def _first_of(self, node: str, teacher: str) -> str:
        student, share = self._models.student_of(node), self._serving[node].student_share
        if student is None:
            return teacher
        by_student = drawn(self._conversation, node, "canary") < share
        first = student if by_student else teacher
        if 0 < share < 1:
            self._chosen[node] = Chosen(first, share if by_student else 1 - share)
        return first

    def _asked(self, node: str, refs: list[str], early: Early | None = None, cheaper: str | None = None) -> ChatModel:
        targets = [self._models.target(node, ref) for ref in dict.fromkeys(refs)]
        saving = self._models.target(node, cheaper) if cheaper else None
        return NodeModel(node, targets, self._ledger, self._models.retry, early, saving)
