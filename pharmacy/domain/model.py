"""What a node asks of a language model, and what is recorded of each call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from pydantic import BaseModel

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Prompt:
    """One filled prompt: the words, and what is needed to fill it again under newer words."""

    file: str
    """The system prompt's file below prompts/, without its ending: `classify/system`."""

    system: str
    """Static words: role, rules, categories. No word of a patient."""

    user: str
    """Changing words: phase, facts, the delimited conversation."""

    blanks: Mapping[str, str]
    """Each blank of both files with its value."""

    fingerprint: str
    """12 hex digits over both files' words and the static blanks; a student is bound to it."""


GIVEN_UP = "cancelled"
"""The error of a call that was ended because nobody needed it any more."""


@dataclass(frozen=True)
class ModelCall:
    """One call of a model, as it is kept for good."""

    node: str
    prompt_file: str
    prompt_fingerprint: str
    blanks: Mapping[str, str]
    model_asked: str
    model_served: str | None
    """What the provider says it used; None when no answer came."""

    output: str | None
    """The raw answer, unparsed; None when no answer came."""

    prompt_tokens: int
    """Tokens read, the cached ones included."""

    cached_tokens: int
    completion_tokens: int
    tokens_estimated: bool
    """True when the provider gave no usable figure and the tokens are our own estimate."""

    cost_usd: float | None
    """None when the model's price is unknown; never 0 for unknown."""

    started_at: datetime
    seconds: float
    attempt: int
    """1 for the first try of this call; a retry or the fallback model counts on."""

    error: str | None
    waited_seconds: float = 0.0
    """How long it waited for its turn before it began, where what may be asked of its model is limited."""


@dataclass
class Early:
    """Who wants to know the first fields of an answer while its end is still being written."""

    fields: tuple[str, ...]
    """The answer's first fields in their order; none where it is only to be streamed, so that it can be given up."""

    tell: Callable[[Mapping[str, object]], None]
    """Called once they stand complete and valid; a second try tells again, and what was told last counts."""

    arrived: str = ""
    """The raw answer of the try in work, as far as it has come."""


class ChatModel(Protocol):
    """A language model as a node sees it."""

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the model's answer to `prompt`, read into `schema`.

        Raises:
            FlowError: no readable answer could be had in time.
        """
        ...
