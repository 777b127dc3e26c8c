"""What a completion's body comes to: an answer or a failure, the same whether it came alone or in a batch."""

from pydantic import BaseModel

from pharmacy.domain.errors import ReplyCut, ReplyRefused, ReplyUnreadable
from pharmacy.models.breaker import Health
from pharmacy.models.completion import Completion, read_completion
from pharmacy.models.reading import most_chars, read_answer
from pharmacy.models.tried import Failure, Tried
from pharmacy.models.usage import UsageBounds

_CUT = ("length", "content_filter")


def tried_of(ref: str, body: bytes, schema: type[BaseModel], bounds: UsageBounds) -> Tried:
    """Return what `body`, a completion of the model `ref`, comes to."""
    try:
        return tried_of_completion(ref, read_completion(body), schema, bounds)
    except ReplyUnreadable as error:
        return no_completion(ref, error, bounds)


def no_completion(ref: str, why: ReplyUnreadable, bounds: UsageBounds, arrived: str = "") -> Tried:
    """Return what it comes to when the model `ref` sent no completion at all, after `arrived` of an answer."""
    return Tried(bounds.estimate(arrived), failure=Failure(ReplyUnreadable(f"{ref}: {why}"), Health.FAILED))


def tried_of_completion(ref: str, completion: Completion, schema: type[BaseModel], bounds: UsageBounds) -> Tried:
    """Return what a completion of the model `ref` comes to."""
    output = completion.content if completion.content is not None else completion.refusal
    usage = bounds.read(completion.usage, output or "")
    try:
        answer = _answer(ref, completion, schema, bounds.max_output_tokens)
    except (ReplyUnreadable, ReplyCut, ReplyRefused) as error:
        return Tried(usage, completion.model, output, failure=Failure(error))
    return Tried(usage, completion.model, output, answer)


def _answer(ref: str, completion: Completion, schema: type[BaseModel], max_output_tokens: int) -> BaseModel:
    if completion.refusal:
        raise ReplyRefused(f"{ref}: declined to answer")
    if completion.finish_reason in _CUT:
        raise ReplyCut(f"{ref}: finish reason {completion.finish_reason!r}; expected 'stop'")
    if not completion.content:
        raise ReplyUnreadable(f"{ref}: no content; expected {schema.__name__}")
    return read_answer(completion.content, schema, most_chars(max_output_tokens))
