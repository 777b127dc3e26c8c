"""ChatOpenAI with its messages, usage, errors and callbacks, whose requests go our own way to the wire."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr

from pharmacy.models.event_stream import DONE, events
from pharmacy.models.http_exchange import Exchange, exchange
from pharmacy.models.reading import most_bytes
from pharmacy.models.transport import Transport, pieces

_OUTPUT_TOKENS = 4096


class LeanChat(ChatOpenAI):
    """Without what the official client does between messages and wire: that takes most of a call's CPU."""

    _transport: Transport = PrivateAttr()

    @classmethod
    def on(cls, transport: Transport, **parameters: Any) -> Self:
        """Return the model that `parameters` describe, reached over `transport`."""
        made = cls(**parameters)
        made._transport = transport
        return made

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002  # told by the caller
        **kwargs: Any,
    ) -> ChatResult:
        body = self._body(self._get_request_payload(messages, stop=stop, **kwargs))
        said = await self._transport.completion(body, self._seen())
        return self._create_chat_result(json.loads(said))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        payload = self._get_request_payload(messages, stop=stop, **kwargs) | asked
        seen = self._seen()
        async with self._transport.answer(self._body(payload), seen) as answer:
            async for data in events(pieces(answer, seen)):
                chunk = None if data == DONE else self._convert_chunk_to_generation_chunk(
                    json.loads(data), AIMessageChunk, None
                )  # fmt: skip
                if chunk is None:
                    continue
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _body(self, payload: Mapping[str, Any]) -> bytes:
        plain = {name: value for name, value in payload.items() if name not in ("extra_body", "extra_headers")}
        return encoded({**plain, **(payload.get("extra_body") or {})})

    def _seen(self) -> Exchange:
        try:
            return exchange.get()
        except LookupError:
            return Exchange(most_bytes(self.max_tokens or _OUTPUT_TOKENS), lambda: None)


def encoded(value: object) -> bytes:
    """Return `value` as JSON in UTF-8; a lone surrogate, which no text has, as a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
