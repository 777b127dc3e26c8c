"""`POST /v1/chat/completions`: checked as the provider checks it, answered by the script, hurt by its faults."""

import asyncio
from typing import Any

from tests.fakes.openai_server.completion import bent, complete, streamed_reply, whole_reply
from tests.fakes.openai_server.errors import context_too_long, missing_parameter
from tests.fakes.openai_server.faults import Fault
from tests.fakes.openai_server.http import Connection, Reply
from tests.fakes.openai_server.known_models import KnownModel
from tests.fakes.openai_server.parameters import check_parameters
from tests.fakes.openai_server.request_log import Entry
from tests.fakes.openai_server.script import Asked
from tests.fakes.openai_server.token_count import prompt_pieces
from tests.fakes.openai_server.world import World


async def create_completion(world: World, body: dict[str, Any], entry: Entry, connection: Connection) -> Reply | None:
    """Return the answer to one chat completion, or None when a fault has written it."""
    completion, fault = await completion_of(world, body, entry)
    reply = _framed(body, completion)
    if fault and fault.play:
        entry.status = reply.status
        await fault.play(connection, reply)
        return None
    return reply


async def completion_of(
    world: World, body: dict[str, Any], entry: Entry | None = None
) -> tuple[dict[str, Any], Fault | None]:
    """Return the completion that `body` asks for, and the fault that befalls it.

    Raises:
        ApiError: the provider, or a fault, refuses it.
    """
    asked = Asked(next(world.chat_numbers), body)
    fault = world.script.take_fault(asked)
    if entry is not None:
        entry.fault = fault.name if fault else None
    if fault and fault.refuse:
        raise fault.refuse()
    if "model" not in body:
        raise missing_parameter("model")
    model = world.models.find(str(body["model"]))
    check_parameters(body, model)
    tokens = _prompt_tokens(asked, model)
    await asyncio.sleep(world.latency_seconds)
    text = world.script.take_answer(asked, world.tuning.students.get(model.id))
    cached = world.cache.take(model.id, tokens)
    completion = complete(body, model, text, len(tokens), cached)
    if body.get("store"):
        world.stored.put(body, completion)
    return bent(completion, fault), fault


def _prompt_tokens(asked: Asked, model: KnownModel) -> list[str]:
    body = asked.body
    tokens = prompt_pieces(body["messages"], asked.schema)
    wanted = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    if len(tokens) + wanted > model.context:
        raise context_too_long(model.context, len(tokens) + wanted)
    return tokens


def _framed(body: dict[str, Any], completion: dict[str, Any]) -> Reply:
    if not body.get("stream"):
        return whole_reply(completion)
    return streamed_reply(completion, with_usage=bool((body.get("stream_options") or {}).get("include_usage")))
