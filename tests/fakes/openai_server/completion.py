"""A chat completion as the provider writes it, whole or as a stream of events."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.fakes.openai_server.faults import Fault
from tests.fakes.openai_server.http import Reply
from tests.fakes.openai_server.known_models import KnownModel
from tests.fakes.openai_server.token_count import pieces

_CHARS_PER_CHUNK = 12


def complete(body: dict[str, Any], model: KnownModel, text: str, prompt_tokens: int, cached: int) -> dict[str, Any]:
    """Return the completion of `body` with `text` as its content, cut where the token limit says so."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or model.max_output
    written = pieces(text)
    cut = len(written) > limit
    content = "".join(written[:limit]) if cut else text
    count = min(len(written), limit)
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    reason = "length" if cut else "stop"
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex[:29]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model.id,
        "choices": [
            {"index": at, "message": dict(message), "logprobs": None, "finish_reason": reason}
            for at in range(body.get("n") or 1)
        ],
        "usage": _usage(prompt_tokens, cached, count * (body.get("n") or 1)),
        "service_tier": "default",
        "system_fingerprint": "fp_" + hashlib.blake2b(model.id.encode(), digest_size=5).hexdigest(),
    }


def whole_reply(completion: dict[str, Any]) -> Reply:
    """Return the completion as one JSON body."""
    return Reply.of(completion)


def streamed_reply(completion: dict[str, Any], *, with_usage: bool) -> Reply:
    """Return the completion as server-sent events; usage comes last, and only if asked for."""
    events = [*_chunks(completion, with_usage)]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply(200, "".join([*lines, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream; charset=utf-8")


def bent(completion: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    """Return the completion as `fault` leaves it."""
    return fault.bend(completion) if fault and fault.bend else completion


def _chunks(completion: dict[str, Any], with_usage: bool) -> Iterator[dict[str, Any]]:
    shared = {k: completion[k] for k in ("id", "created", "model", "service_tier", "system_fingerprint")}
    head = {**shared, "object": "chat.completion.chunk"} | ({"usage": None} if with_usage else {})
    for choice in completion["choices"]:
        message, at = choice["message"], choice["index"]
        yield {**head, "choices": [_delta(at, {"role": "assistant", "content": "", "refusal": None})]}
        key = "refusal" if message.get("refusal") else "content"
        text = message.get(key) or ""
        for begin in range(0, len(text), _CHARS_PER_CHUNK):
            yield {**head, "choices": [_delta(at, {key: text[begin : begin + _CHARS_PER_CHUNK]})]}
        yield {**head, "choices": [_delta(at, {}, choice["finish_reason"])]}
    if with_usage:
        yield {**head, "choices": [], "usage": completion.get("usage")}


def _delta(at: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": at, "delta": delta, "logprobs": None, "finish_reason": reason}


def _usage(prompt_tokens: int, cached: int, completion_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
