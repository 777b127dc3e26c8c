"""Read a completion that comes as server-sent events, put together again as it would have come whole."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.models.completion import Completion, storable
from pharmacy.models.http_exchange import MOST_CONTAINERS

DONE = "[DONE]"
MOST_EVENT_BYTES = 256 * 1024


class StreamBroken(Exception):
    """The provider says in the middle of an answer that it failed. Holds its code, or nothing."""


async def events(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Give each event's data, in whatever pieces the bytes come; comments and other fields are passed over.

    Raises:
        ReplyUnreadable: an event has no end, or is no text.
    """
    rest, data = b"", list[str]()
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MOST_EVENT_BYTES:
            raise ReplyUnreadable(f"an event of over {MOST_EVENT_BYTES} bytes; expected a piece of a completion")
        for line in lines:
            words = _text(line)
            if words.startswith("data:"):
                data.append(words[5:].removeprefix(" "))
            elif not words and data:
                yield "\n".join(data)
                data.clear()
    if data:
        yield "\n".join(data)


async def read_stream(pieces: AsyncIterator[bytes], heard: Callable[[str], None]) -> Completion:
    """Return the completion that the events make up.

    Args:
        heard: called with all of the answer so far, each time that more of it has come.

    Raises:
        ReplyUnreadable: an event is no piece of a completion, or the stream ends before the answer does.
        StreamBroken: the provider ended it with an error.
    """
    made = _Made()
    async for data in events(pieces):
        if data == DONE:
            break
        if made.take(_event(data)):
            heard(made.content)
    if made.finish_reason is None:
        raise ReplyUnreadable("a stream that ends before its answer; expected a finish reason")
    return Completion(
        storable(made.content) if made.has_content else None, storable(made.refusal) or None, made.finish_reason,
        made.model, made.usage,
    )  # fmt: skip


class _Made:
    """A completion that is being put together; of several choices only the first counts."""

    def __init__(self) -> None:
        self.content = self.refusal = ""
        self.has_content = False
        self.finish_reason: str | None = None
        self.model: str | None = None
        self.usage: object = None

    def take(self, event: Mapping[str, Any]) -> bool:
        """Add `event`; return whether the content has grown."""
        if error := event.get("error"):
            code = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
            raise StreamBroken(code if isinstance(code, str) else "")
        self.model = self.model or (storable(event.get("model")) or "")[:200] or None
        self.usage = event.get("usage") or self.usage
        choices = event.get("choices")
        if not isinstance(choices, list):
            raise ReplyUnreadable("an event without a list of choices; expected a piece of a completion")
        if not choices or not isinstance(choices[0], Mapping) or choices[0].get("index", 0) != 0:
            return False
        self.finish_reason = storable(choices[0].get("finish_reason")) or self.finish_reason
        delta = choices[0].get("delta")
        content, refusal = (delta.get("content"), delta.get("refusal")) if isinstance(delta, Mapping) else (None, None)
        self.refusal += refusal if isinstance(refusal, str) else ""
        if not isinstance(content, str):
            return False
        self.has_content = True
        self.content += content
        return bool(content)


def _event(data: str) -> Mapping[str, Any]:
    if data.count("{") + data.count("[") > MOST_CONTAINERS:
        raise ReplyUnreadable("an event that is a heap of brackets; expected a piece of a completion")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReplyUnreadable(f"an event of {len(data)} characters that is no JSON") from error
    if not isinstance(given, Mapping):
        raise ReplyUnreadable("an event that is no JSON object; expected a piece of a completion")
    return given


def _text(line: bytes) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise ReplyUnreadable("an event that is no UTF-8; expected a piece of a completion") from error
