"""Which path does what, and the headers that every answer carries."""

import asyncio
import json
import time
import traceback
import uuid
from dataclasses import replace
from typing import Any

from tests.fakes.openai_server import faults
from tests.fakes.openai_server.chat import create_completion
from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Connection, Handler, Reply, Request
from tests.fakes.openai_server.request_log import Entry
from tests.fakes.openai_server.world import World

_LIMITS = {"requests": (10_000, "6ms"), "tokens": (2_000_000, "12ms")}


def handler_of(world: World) -> Handler:
    """Return what answers each request to `world`."""

    async def handle(request: Request, connection: Connection) -> Reply | None:
        if request.path.startswith("/_"):
            return _aside(world, request)
        entry = world.log.add(request, _json_or_none(request.body))
        try:
            return await _answer(world, request, entry, connection)
        except asyncio.CancelledError:
            entry.left_at = time.monotonic()
            raise

    return handle


async def _answer(world: World, request: Request, entry: Entry, connection: Connection) -> Reply | None:
    begun = time.perf_counter()
    try:
        reply = await _route(world, request, entry, connection)
    except ApiError as error:
        reply = error.reply
    except Exception:  # noqa: BLE001  # a broken stand-in must say so, or its client hangs
        traceback.print_exc()
        reply = ApiError(500, "The stand-in itself failed; see its standard error.", "fake_broken").reply
    if reply is None:
        return None
    entry.status = reply.status
    return replace(reply, headers={**_headers(begun), **reply.headers})


async def _route(world: World, request: Request, entry: Entry, connection: Connection) -> Reply | None:
    world.check_key(request)
    match request.method, request.path:
        case "POST", "/v1/chat/completions":
            return await create_completion(world, _body(request), entry, connection)
        case "GET", "/v1/models":
            return Reply.of({"object": "list", "data": world.models.listed()})
        case "GET", path if path.startswith("/v1/models/"):
            return Reply.of(world.models.row(path.removeprefix("/v1/models/")))
    raise ApiError(404, f"Invalid URL ({request.method} {request.path})")


def _aside(world: World, request: Request) -> Reply:
    """Answer what only tests ask: the log, and faults set from another process."""
    match request.method, request.path:
        case "GET", "/_log":
            return Reply.of(world.log.as_rows())
        case "DELETE", "/_log":
            world.log.clear()
            return Reply.of({})
        case "POST", "/_fault":
            asked = json.loads(request.body)
            fault = getattr(faults, asked.pop("name"))(*asked.pop("with", []))
            world.script.fail(fault, **asked)
            return Reply.of({"fault": fault.name})
        case "DELETE", "/_fault":
            world.script.heal()
            return Reply.of({})
    return Reply.of({"error": "no such path"}, 404)


def _body(request: Request) -> dict[str, Any]:
    body = _json_or_none(request.body)
    if not isinstance(body, dict):
        raise ApiError(400, "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
                       "using your HTTP library correctly. The OpenAI API expects a JSON payload.)")  # fmt: skip
    return body


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _headers(begun: float) -> dict[str, str]:
    limits = {f"x-ratelimit-limit-{kind}": str(limit) for kind, (limit, _) in _LIMITS.items()}
    left = {f"x-ratelimit-remaining-{kind}": str(limit - 1) for kind, (limit, _) in _LIMITS.items()}
    resets = {f"x-ratelimit-reset-{kind}": wait for kind, (_, wait) in _LIMITS.items()}
    took = {"openai-processing-ms": str(int((time.perf_counter() - begun) * 1000)), "openai-version": "2020-10-01"}
    return {"x-request-id": f"req_{uuid.uuid4().hex}", "openai-organization": "org-example", **took, **limits, **left,
            **resets}  # fmt: skip
