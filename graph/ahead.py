"""Model calls of one run that began before their turn: taken over when the flow asks for them, else given up."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from graph.state import RunModels
from pharmacy.domain.model import Answer, ChatModel, Early, Prompt


@dataclass(frozen=True)
class Begun:
    """A call that began early."""

    node: str
    drafts_written: int
    prompt: Prompt
    spare: bool
    """True for a draft in reserve: it will do whatever its turn's prompt is then, with the judge's reasons."""

    task: asyncio.Task[Any]

    def answers(self, node: str, drafts_written: int, prompt: Prompt) -> bool:
        """Whether this is the call that is asked for."""
        return (self.node, self.drafts_written) == (node, drafts_written) and (self.spare or self.prompt == prompt)

    def then(self, go_on: Callable[[Any], None]) -> None:
        """Call `go_on` with the answer, if the call ends well."""

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and task.exception() is None:
                go_on(task.result())

        self.task.add_done_callback(ended)


class Ahead:
    """What began early in one run; whatever nobody took over has ended when the run has."""

    def __init__(self, models: RunModels) -> None:
        self._models = models
        self._begun: list[Begun] = []
        self._given_up: list[Begun] = []
        self._told: dict[str, Mapping[str, object]] = {}
        self._over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self.give_up(lambda _: True)
        # Waited for, so that what they cost stands in the run's account before anybody reads it.
        await asyncio.gather(*(one.task for one in self._given_up), return_exceptions=True)

    def early(
        self, node: str, fields: tuple[str, ...], beside: tuple[str, ...], tell: Callable[[Mapping[str, Any]], None]
    ) -> Early:
        """Return who listens to `node`; `tell` gets its first fields with those of `beside`, once all are known."""

        def heard(found: Mapping[str, object]) -> None:
            self._told[node] = found
            if self._told.keys() >= {*beside}:
                tell({name: value for told in self._told.values() for name, value in told.items()})

        return Early(fields, heard)

    def begin(
        self, node: str, drafts_written: int, prompt: Prompt, schema: type[BaseModel], *, spare: bool = False
    ) -> Begun | None:
        """Begin a call; None where it has begun already, or the run is over."""
        if self._over or self.has_begun(node, drafts_written, prompt):
            return None
        # In pieces, so that the provider hears of it when it is given up.
        model = self._models.model(node, drafts_written, Early((), lambda _: None))
        begun = Begun(node, drafts_written, prompt, spare, asyncio.create_task(model.answer(prompt, schema)))
        self._begun.append(begun)
        return begun

    def has_begun(self, node: str, drafts_written: int, prompt: Prompt) -> bool:
        """Return whether such a call has begun, and waits to be taken over."""
        return any(one.answers(node, drafts_written, prompt) for one in self._begun)

    def give_up(self, unwanted: Callable[[Begun], bool]) -> None:
        """End every call that nobody has taken over and that is `unwanted`."""
        for one in [one for one in self._begun if unwanted(one)]:
            self._begun.remove(one)
            self._given_up.append(one)
            one.task.cancel()

    def model(self, node: str, drafts_written: int = 0) -> ChatModel:
        """Return what answers for `node`: the call that began for it where it is the one asked for, else its model."""
        return _Taking(self, self._models, node, drafts_written)

    def take(self, node: str, drafts_written: int, prompt: Prompt) -> asyncio.Task[Any] | None:
        """Return the call that began early and is what is asked for now; it is nobody else's from then on."""
        for one in self._begun:
            if one.answers(node, drafts_written, prompt):
                self._begun.remove(one)
                return one.task
        return None


@dataclass(frozen=True)
class _Taking:
    ahead: Ahead
    models: RunModels
    node: str
    drafts_written: int

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the answer of the call that began early, or ask now."""
        if task := self.ahead.take(self.node, self.drafts_written, prompt):
            answer: Answer = await task
            return answer
        return await self.models.model(self.node, self.drafts_written).answer(prompt, schema)
