"""One model behind an OpenAI-compatible endpoint, through ChatOpenAI: one call in, one try out."""

import openai
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from pharmacy.domain.errors import ReplyCut, ReplyRefused, ReplyUnreadable
from pharmacy.domain.model import Prompt
from pharmacy.models.breaker import Breaker, Health
from pharmacy.models.completion import Completion, read_completion
from pharmacy.models.http_exchange import Exchange, exchange
from pharmacy.models.model_name import ModelRef
from pharmacy.models.provider_failure import OK, connection_failure, status_failure, was_sent
from pharmacy.models.reading import most_bytes, most_chars, read_answer
from pharmacy.models.start_gate import StartGate
from pharmacy.models.tried import Failure, Tried
from pharmacy.models.usage import Usage, UsageBounds
from pharmacy.models.wire_schema import response_format, schema_text

_CUT = ("length", "content_filter")


class OpenAIModel:
    """A `Target` that ChatOpenAI calls."""

    def __init__(
        self,
        ref: ModelRef,
        chat: ChatOpenAI,
        breaker: Breaker,
        gate: StartGate,
        timeout_seconds: float,
        max_output_tokens: int,
    ) -> None:
        self.ref = ref
        self.breaker: Breaker | None = breaker
        self.timeout_seconds = timeout_seconds
        self._chat = chat
        self._gate = gate
        self._max_output_tokens = max_output_tokens

    def bounds(self, prompt: Prompt, schema: type[BaseModel]) -> UsageBounds:
        """Return what a try can cost at all."""
        return UsageBounds.of(prompt, schema_text(schema), self._max_output_tokens)

    async def ask(self, prompt: Prompt, schema: type[BaseModel]) -> Tried:
        """Return what asking once brought."""
        async with self._gate.starting() as sent:
            seen = Exchange(most_bytes(self._max_output_tokens), sent)
            exchange.set(seen)
            return await self._ask(prompt, schema, seen)

    async def _ask(self, prompt: Prompt, schema: type[BaseModel], seen: Exchange) -> Tried:
        bounds = self.bounds(prompt, schema)
        try:
            await self._call(prompt, schema)
        except openai.APIStatusError as error:
            return Tried(Usage(), failure=status_failure(str(self.ref), error))
        except openai.APIConnectionError as error:
            usage = bounds.estimate() if was_sent(error) else Usage()
            return Tried(usage, failure=connection_failure(str(self.ref), error, seen))
        except Exception:
            # ChatOpenAI raises a dozen kinds of error on answers that are cut, refused or misshapen, most of them
            # without the usage. The body tells which it was; without a whole body it is a bug and rises.
            if not seen.complete or seen.status != OK:
                raise
        return self._read(bytes(seen.body), schema, bounds)

    async def _call(self, prompt: Prompt, schema: type[BaseModel]) -> None:
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        # In `extra_body` the schema goes out as it is; as a parameter the client walks through it, a third of the CPU.
        await self._chat.ainvoke(messages, extra_body={"response_format": response_format(schema)})

    def _read(self, body: bytes, schema: type[BaseModel], bounds: UsageBounds) -> Tried:
        try:
            completion = read_completion(body)
        except ReplyUnreadable as error:
            failure = Failure(ReplyUnreadable(f"{self.ref}: {error}"), Health.FAILED)
            return Tried(bounds.estimate(), failure=failure)
        output = completion.content if completion.content is not None else completion.refusal
        usage = bounds.read(completion.usage, output or "")
        tried = Tried(usage, completion.model, output)
        try:
            answer = self._answer(completion, schema)
        except (ReplyUnreadable, ReplyCut, ReplyRefused) as error:
            return Tried(tried.usage, tried.served, tried.output, failure=Failure(error))
        return Tried(tried.usage, tried.served, tried.output, answer)

    def _answer(self, completion: Completion, schema: type[BaseModel]) -> BaseModel:
        if completion.refusal:
            raise ReplyRefused(f"{self.ref}: declined to answer")
        if completion.finish_reason in _CUT:
            raise ReplyCut(f"{self.ref}: finish reason {completion.finish_reason!r}; expected 'stop'")
        if not completion.content:
            raise ReplyUnreadable(f"{self.ref}: no content; expected {schema.__name__}")
        return read_answer(completion.content, schema, most_chars(self._max_output_tokens))
