"""Which path does what, and the headers that every answer carries."""

import asyncio
import json
import time
import traceback
import uuid
from dataclasses import replace

from tests.fakes.openai_server import faults
from tests.fakes.openai_server.batch_calls import answer_batches
from tests.fakes.openai_server.chat import create_completion
from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.files import answer_files
from tests.fakes.openai_server.http import Connection, Handler, Reply, Request
from tests.fakes.openai_server.json_body import json_body, json_or_none
from tests.fakes.openai_server.request_log import Entry
from tests.fakes.openai_server.stored import answer_stored
from tests.fakes.openai_server.tuning_jobs import answer_tuning
from tests.fakes.openai_server.world import World

_LIMITS = {"requests": (10_000, "6ms"), "tokens": (2_000_000, "12ms")}


def handler_of(world: World) -> Handler:
    """Return what answers each request to `world`."""

    async def handle(request: Request, connection: Connection) -> Reply | None:
        if request.path.startswith("/_"):
            return _aside(world, request)
        entry = world.log.add(request, json_or_none(request.body))
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
    request = replace(request, path=request.path.removeprefix("/openai"))
    match request.method, request.path:
        case "POST", "/v1/chat/completions":
            return await create_completion(world, json_body(request), entry, connection)
        case "GET", "/v1/models":
            return Reply.of({"object": "list", "data": world.models.listed()})
        case "GET", path if path.startswith("/v1/models/"):
            return Reply.of(world.models.row(path.removeprefix("/v1/models/")))
    return await _elsewhere(world, request, entry, connection)


async def _elsewhere(world: World, request: Request, entry: Entry, connection: Connection) -> Reply | None:
    """Answer what is no chat; a fault may refuse it, or lose the answer to what was done."""
    fault = world.script.take_fault_at(f"{request.method} {request.path}")
    entry.fault = fault.name if fault else None
    if fault and fault.refuse:
        raise fault.refuse()
    for answer in (answer_files, answer_tuning, answer_stored, answer_batches):
        if (reply := await answer(world, request)) is not None:
            break
    else:
        raise ApiError(404, f"Invalid URL ({request.method} {request.path})")
    if fault and fault.bend:
        return Reply.of(fault.bend(json.loads(reply.body)))
    if fault and fault.play:
        entry.status = reply.status
        await fault.play(connection, reply)
        return None
    return reply


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


def _headers(begun: float) -> dict[str, str]:
    limits = {f"x-ratelimit-limit-{kind}": str(limit) for kind, (limit, _) in _LIMITS.items()}
    left = {f"x-ratelimit-remaining-{kind}": str(limit - 1) for kind, (limit, _) in _LIMITS.items()}
    resets = {f"x-ratelimit-reset-{kind}": wait for kind, (_, wait) in _LIMITS.items()}
    took = {"openai-processing-ms": str(int((time.perf_counter() - begun) * 1000)), "openai-version": "2020-10-01"}
    return {"x-request-id": f"req_{uuid.uuid4().hex}", "openai-organization": "org-example", **took, **limits, **left,
            **resets}  # fmt: skip
