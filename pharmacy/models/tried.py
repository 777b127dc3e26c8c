"""What one try of one model brought: an answer or a failure, and in both cases what it cost."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from pharmacy.domain.errors import FlowError
from pharmacy.domain.model import Early, Prompt
from pharmacy.models.breaker import Breaker, Health
from pharmacy.models.model_name import ModelRef
from pharmacy.models.usage import Usage, UsageBounds


@dataclass(frozen=True)
class Failure:
    """Why a try brought no answer, and what may be done about it."""

    error: FlowError
    health: Health = Health.ALIVE
    may_retry: bool = False
    """True when the same model may answer a moment later."""

    wait_seconds: float | None = None
    """What the provider asks us to wait; None when it says nothing."""

    may_fall_back: bool = False
    """True when another model may answer."""


@dataclass(frozen=True)
class Tried:
    """One try, over."""

    usage: Usage
    served: str | None = None
    """What the provider says it used."""

    output: str | None = None
    """The raw answer."""

    answer: BaseModel | None = None
    """The answer read; None exactly when there is a failure."""

    failure: Failure | None = None


class Target(Protocol):
    """A model that can be tried: one call, no retry, no time-out of its own."""

    ref: ModelRef
    breaker: Breaker | None
    timeout_seconds: float

    def bounds(self, prompt: Prompt, schema: type[BaseModel]) -> UsageBounds:
        """Return what a try can cost at all."""
        ...

    async def ask(self, prompt: Prompt, schema: type[BaseModel], early: Early | None = None) -> Tried:
        """Return what asking once brought; failures that the flow is ready for come back as values.

        Args:
            early: who is told of the first fields, where the answer comes in pieces; it need not.
        """
        ...
