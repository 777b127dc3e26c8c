"""A stand-in for the models of one run: each node has its own scripted model, and every call is recorded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from pharmacy.domain.errors import FlowError
from pharmacy.domain.model import Answer, ChatModel, Early, ModelCall, Prompt
from tests.fakes.scripted_model import ScriptedModel

Scripted = str | Mapping[str, object] | BaseModel | BaseException


class ScriptedRunModels:
    """Serves each node from the answers that a test wrote for it, or from a model that the test hands in."""

    def __init__(self, answers: Mapping[str, Sequence[Scripted] | ChatModel], *, fallback_used: bool = False) -> None:
        self._models = {
            node: ScriptedModel(*given) if isinstance(given, Sequence) else given for node, given in answers.items()
        }
        self._calls: list[ModelCall] = []
        self.fallback_used = fallback_used
        self.asked: list[tuple[str, int]] = []
        """Each node a model was wanted for, with the drafts written by then, in order."""

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return the model that serves `node`.

        Raises:
            AssertionError: the test wrote no answer for this node.
        """
        self.asked.append((node, drafts_written))
        if node not in self._models:
            raise AssertionError(f"{node} was asked; answers are written for {[*self._models]}")
        return _Recorded(node, self._models[node], self._calls, early)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far, failed ones included."""
        return tuple(self._calls)

    def prompts(self, node: str) -> list[Prompt]:
        """Return what the scripted model of `node` was asked, oldest first."""
        model = self._models[node]
        assert isinstance(model, ScriptedModel)
        return model.prompts


class _Recorded:
    """One node's model, whose calls go on the run's account at a tenth of a cent each."""

    def __init__(self, node: str, model: ChatModel, calls: list[ModelCall], early: Early | None) -> None:
        self._node, self._model, self._calls, self._early = node, model, calls, early

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return what the node's model answers, and record the call."""
        try:
            answer = await self._model.answer(prompt, schema)
        except FlowError as error:
            self._record(prompt, None, error.code)
            raise
        if self._early and self._early.fields:
            self._early.tell({name: dict(answer)[name] for name in self._early.fields})
        self._record(prompt, answer.model_dump_json(), None)
        return answer

    def _record(self, prompt: Prompt, output: str | None, error: str | None) -> None:
        served = f"scripted:{self._node}"
        self._calls.append(
            ModelCall(self._node, prompt.file, prompt.fingerprint, prompt.blanks, served, None if error else served,
                      output, 100, 0, 10, bool(error), 0.001, datetime(2026, 1, 15, tzinfo=UTC), 0.0, 1, error)
        )  # fmt: skip
