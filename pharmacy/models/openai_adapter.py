"""One model behind an OpenAI-compatible endpoint, through ChatOpenAI: one call in, one try out."""

import openai
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from pharmacy.domain.model import Prompt
from pharmacy.models.breaker import Breaker
from pharmacy.models.completion_tried import tried_of
from pharmacy.models.http_exchange import Exchange, exchange
from pharmacy.models.keeping import labels
from pharmacy.models.model_name import ModelRef
from pharmacy.models.provider_failure import OK, connection_failure, status_failure, was_sent
from pharmacy.models.reading import most_bytes
from pharmacy.models.start_gate import StartGate
from pharmacy.models.tried import Tried
from pharmacy.models.usage import Usage, UsageBounds
from pharmacy.models.wire_schema import response_format, schema_text


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
        kept_as: str | None = None,
    ) -> None:
        """`kept_as` is the node under which the provider keeps the answers; None where it does not."""
        self.ref = ref
        self.breaker: Breaker | None = breaker
        self.timeout_seconds = timeout_seconds
        self._chat = chat
        self._gate = gate
        self._max_output_tokens = max_output_tokens
        self._kept_as = kept_as

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
        return tried_of(str(self.ref), bytes(seen.body), schema, bounds)

    async def _call(self, prompt: Prompt, schema: type[BaseModel]) -> None:
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        # In `extra_body` the schema goes out as it is; as a parameter the client walks through it, a third of the CPU.
        # There alone `metadata` reaches the provider: elsewhere the client takes it for its own.
        body = {"response_format": response_format(schema), **labels(self._kept_as, prompt.fingerprint)}
        await self._chat.ainvoke(messages, extra_body=body)
