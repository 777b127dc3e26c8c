"""Models that are asked beside the replies: whatever befalls them, no reply is refused its own for it."""

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from pharmacy.domain.model import Early, Prompt
from pharmacy.models.breaker import Breaker, Health
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tried import Target, Tried
from pharmacy.models.usage import UsageBounds


class Models(Protocol):
    """What is needed of the registry."""

    retry: RetryPolicy

    def teacher_of(self, node: str) -> str:
        """Return the node's teacher, as `provider:name`."""
        ...

    def student_of(self, node: str) -> str | None:
        """Return its student, if it has one that can be asked."""
        ...

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it."""
        ...


class Onlooker(Breaker):
    """Obeys an endpoint's breaker, and tells it nothing: it sends no probe and opens nothing."""

    def __init__(self, of: Breaker) -> None:
        self._of = of

    @property
    def is_open(self) -> bool:
        """True while only probes may pass."""
        return self._of.is_open

    def admits(self) -> bool:
        """Return whether a call may be made now."""
        return not self._of.is_open

    def note(self, health: Health) -> None:
        """Leave it."""


@dataclass
class BesideTarget:
    """A model whose failures stay its own."""

    of: Target
    breaker: Breaker | None = field(init=False)

    def __post_init__(self) -> None:
        """Look on at the breaker."""
        self.ref, self.timeout_seconds = self.of.ref, self.of.timeout_seconds
        self.breaker = None if self.of.breaker is None else Onlooker(self.of.breaker)

    def bounds(self, prompt: Prompt, schema: type[BaseModel]) -> UsageBounds:
        """Return what a try can cost at all."""
        return self.of.bounds(prompt, schema)

    async def ask(self, prompt: Prompt, schema: type[BaseModel], early: Early | None = None) -> Tried:
        """Return what asking once brought."""
        return await self.of.ask(prompt, schema, early)


@dataclass
class Beside:
    """The registry, as those see it whom no reply waits for."""

    models: Models
    retry: RetryPolicy

    def teacher_of(self, node: str) -> str:
        """Return the node's teacher, as `provider:name`."""
        return self.models.teacher_of(node)

    def student_of(self, node: str) -> str | None:
        """Return its student, if it has one that can be asked."""
        return self.models.student_of(node)

    def student_drafts_of(self, node: str) -> int:  # noqa: ARG002  # nobody writes a second draft beside a reply
        """Return one."""
        return 1

    def fallback_of(self, node: str) -> str | None:  # noqa: ARG002  # another model's answer would tell nothing
        """Return nothing."""
        return None

    def cheaper_of(self, node: str) -> str | None:  # noqa: ARG002  # likewise
        """Return nothing."""
        return None

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it."""
        return BesideTarget(self.models.target(node, ref))
