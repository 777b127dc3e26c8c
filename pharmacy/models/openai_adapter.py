"""One model behind an OpenAI-compatible endpoint: one call in, one try out."""

import functools
from collections.abc import Mapping
from typing import Any

import openai
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables.config import var_child_runnable_config
from pydantic import BaseModel

from pharmacy.domain.errors import ModelUnavailable, ReplyUnreadable
from pharmacy.domain.model import Early, Prompt
from pharmacy.models.breaker import Breaker, Health
from pharmacy.models.completion_tried import no_completion, tried_of, tried_of_completion
from pharmacy.models.event_stream import StreamBroken, read_stream
from pharmacy.models.first_fields import FirstFields
from pharmacy.models.http_exchange import BodyRefused, Exchange, exchange
from pharmacy.models.keeping import labels
from pharmacy.models.lean_chat import LeanChat, encoded
from pharmacy.models.model_name import ModelRef
from pharmacy.models.provider_failure import connection_failure, status_failure, was_sent
from pharmacy.models.reading import most_bytes
from pharmacy.models.start_gate import StartGate
from pharmacy.models.status_error import OK
from pharmacy.models.transport import Transport, pieces
from pharmacy.models.tried import Failure, Tried
from pharmacy.models.usage import Usage, UsageBounds
from pharmacy.models.wire_schema import response_format, schema_text

_EVENT_BYTES = 1024
"""What a token may take in a stream, with all that is said around it."""

_STREAM: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


class OpenAIModel:
    """A `Target` that is asked over HTTP."""

    def __init__(
        self,
        ref: ModelRef,
        chat: LeanChat,
        transport: Transport,
        parameters: Mapping[str, Any],
        breaker: Breaker,
        gate: StartGate,
        timeout_seconds: float,
        max_output_tokens: int,
        kept_as: str | None = None,
    ) -> None:
        """`kept_as` is the node under which the provider keeps the answers; None where it does not."""
        self.ref = ref
        self.breaker: Breaker | None = breaker
        self.timeout_seconds = timeout_seconds
        self._chat = chat
        self._transport = transport
        self._gate = gate
        self._max_output_tokens = max_output_tokens
        self._kept_as = kept_as
        self._parameters = {"model": ref.name, "max_completion_tokens": max_output_tokens, **parameters}
        self._head = functools.lru_cache(maxsize=64)(self._said_before)

    def bounds(self, prompt: Prompt, schema: type[BaseModel]) -> UsageBounds:
        """Return what a try can cost at all."""
        return UsageBounds.of(prompt, schema_text(schema), self._max_output_tokens)

    async def ask(self, prompt: Prompt, schema: type[BaseModel], early: Early | None = None) -> Tried:
        """Return what asking once brought."""
        bounds = self.bounds(prompt, schema)
        async with self._gate.starting() as sent:
            seen = Exchange(most_bytes(self._max_output_tokens), sent)
            try:
                if early is not None:
                    return await self._in_pieces(prompt, schema, early, seen, bounds)
                await self._whole(prompt, schema, seen)
            except openai.APIStatusError as error:
                return Tried(Usage(), failure=status_failure(str(self.ref), error))
            except openai.APIConnectionError as error:
                usage = bounds.estimate(early.arrived if early else "") if was_sent(error) else Usage()
                return Tried(usage, failure=connection_failure(str(self.ref), error, seen))
        return tried_of(str(self.ref), bytes(seen.body), schema, bounds)

    async def _whole(self, prompt: Prompt, schema: type[BaseModel], seen: Exchange) -> None:
        if not _listened():
            await self._transport.completion(self._request(prompt, schema), seen)
            return
        # Somebody follows the framework's calls: this one is made through it, so that it is told.
        exchange.set(seen)
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        body = {"response_format": response_format(schema), **labels(self._kept_as, prompt.fingerprint)}
        try:
            await self._chat.ainvoke(messages, extra_body=body)
        except openai.APIError:
            raise
        except Exception:
            # It raises a dozen kinds of error on answers that are cut, refused or misshapen. The body tells which it
            # was; without a whole body it is a bug and rises.
            if not seen.complete or seen.status != OK:
                raise

    async def _in_pieces(
        self, prompt: Prompt, schema: type[BaseModel], early: Early, seen: Exchange, bounds: UsageBounds
    ) -> Tried:
        seen.most_bytes += _EVENT_BYTES * self._max_output_tokens
        ref, heard = str(self.ref), FirstFields(early, schema).heard
        async with self._transport.answer(self._request(prompt, schema, streamed=True), seen) as answer:
            if answer.content_type != "text/event-stream":  # a server that knows no streams answers whole
                body = b"".join([piece async for piece in pieces(answer, seen)])
                return tried_of(ref, body, schema, bounds)
            try:
                completion = await read_stream(pieces(answer, seen), heard)
            except BodyRefused:
                raise
            except ReplyUnreadable as error:
                return no_completion(ref, error, bounds, early.arrived)
            except StreamBroken as error:
                failed = ModelUnavailable(f"{ref}: failed while it answered {error}".rstrip())
                failure = Failure(failed, Health.FAILED, may_retry=True, may_fall_back=True)
                return Tried(bounds.estimate(early.arrived), failure=failure)
        return tried_of_completion(ref, completion, schema, bounds)

    def _request(self, prompt: Prompt, schema: type[BaseModel], *, streamed: bool = False) -> bytes:
        """Return the call's body: only what changes from call to call is encoded anew, and it comes last."""
        kept = labels(self._kept_as, prompt.fingerprint)
        more = encoded(kept)[1:-1] + b"," if kept else b""
        return b"".join((b"{", more, self._head(prompt.system, schema, streamed), encoded(prompt.user), b"}]}"))

    def _said_before(self, system: str, schema: type[BaseModel], streamed: bool) -> bytes:
        parameters = {**self._parameters, **(_STREAM if streamed else {}), "response_format": response_format(schema)}
        first = encoded({"role": "system", "content": system})
        return encoded(parameters)[1:-1] + b',"messages":[' + first + b',{"role":"user","content":'


def _listened() -> bool:
    """Whether anybody follows the framework's calls here."""
    config = var_child_runnable_config.get()
    callbacks = config.get("callbacks") if config else None
    return bool(getattr(callbacks, "handlers", callbacks))
