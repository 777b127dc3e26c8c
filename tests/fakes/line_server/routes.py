"""LINE's endpoints: push, reply, and the files of messages."""

import itertools
import json
import re
from typing import Any

from tests.fakes.line_server.faults import Faults
from tests.fakes.line_server.messages import RETRY_KEY, problem_of_messages, problem_of_push
from tests.fakes.line_server.world import Asked, Content, World
from tests.fakes.openai_server.http import Connection, Handler, Reply, Request

PUSH, REPLY = "/v2/bot/message/push", "/v2/bot/message/reply"
_FILE = re.compile(r"/v2/bot/message/([0-9]+)/content(/transcoding)?")
_CHUNK = 65_536
_requests = itertools.count(1)


def handler_of(world: World, faults: Faults) -> Handler:
    """Return what answers a request."""

    async def handle(request: Request, connection: Connection) -> Reply | None:
        body = _json(request.body)
        fault = faults.take() if request.path in (PUSH, REPLY) else None
        if fault is not None:
            taken = _answer(world, request, body) if fault.accepts else None
            _note(world, request, body, None if taken is None else taken.status)
            return await fault.play(connection)
        if (found := _FILE.fullmatch(request.path)) and request.method == "GET":
            return await _file(world, request, connection, found[1], transcoding=bool(found[2]))
        reply = _answer(world, request, body)
        _note(world, request, body, reply.status)
        return reply

    return handle


def _answer(world: World, request: Request, body: Any) -> Reply:
    if request.headers.get("authorization") != f"Bearer {world.token}":
        return _refused(
            401, "Authentication failed. Confirm that the access token in the authorization header is valid."
        )
    if request.method != "POST" or request.path not in (PUSH, REPLY):
        return _refused(404, "Not found")
    with world.lock:
        return _push(world, request, body) if request.path == PUSH else _reply(world, request, body)


def _push(world: World, request: Request, body: Any) -> Reply:
    key = request.headers.get("x-line-retry-key")
    if key is not None and not RETRY_KEY.fullmatch(key):
        return _refused(400, "The retry key is invalid")
    if problem := problem_of_push(body):
        return _refused(400, problem)
    if key is not None and (accepted := world.accepted_under(key)):
        told = {"x-line-request-id": _request_id(), "x-line-accepted-request-id": accepted}
        return Reply.of({"message": "The retry key is already accepted"}, 409, told)
    if body["to"] in world.strangers:
        return _refused(400, "Failed to send messages")
    if world.monthly_left is not None and world.monthly_left <= 0:
        return _refused(429, "You have reached your monthly limit.")
    request_id = _request_id()
    world.deliver(body["to"], [message["text"] for message in body["messages"]], "push", key, request_id)
    sent = [{"id": str(next(_requests)), "quoteToken": "q"} for _ in body["messages"]]
    return Reply.of({"sentMessages": sent}, 200, {"x-line-request-id": request_id})


def _reply(world: World, request: Request, body: Any) -> Reply:
    if "x-line-retry-key" in request.headers:
        return _refused(400, "The retry key is not supported by this endpoint")
    if not isinstance(body, dict) or not isinstance(body.get("replyToken"), str):
        return _refused(400, "The property, 'replyToken', in the request body is invalid")
    if problem := problem_of_messages(body.get("messages")):
        return _refused(400, problem)
    user_id = world.use_token(body["replyToken"])
    if user_id is None:
        return _refused(400, "Invalid reply token")
    request_id = _request_id()
    world.deliver(user_id, [message["text"] for message in body["messages"]], "reply", None, request_id)
    return Reply.of({"sentMessages": []}, 200, {"x-line-request-id": request_id})


async def _file(
    world: World, request: Request, connection: Connection, message_id: str, *, transcoding: bool
) -> Reply | None:
    if request.headers.get("authorization") != f"Bearer {world.token}":
        reply = _refused(401, "Authentication failed.")
    elif (content := world.contents.get(message_id)) is None:
        reply = _refused(404, "Not found")
    elif transcoding:
        reply = Reply.of({"status": content.transcoding.pop(0) if content.transcoding else "succeeded"})
    else:
        _note(world, request, None, content.status)
        return await _give(connection, content)
    _note(world, request, None, reply.status)
    return reply


async def _give(connection: Connection, content: Content) -> None:
    await connection.send_head(Reply(content.status, b"", content.headers, content.content_type))
    for at in range(0, len(content.body), _CHUNK):
        await connection.send_chunk(content.body[at : at + _CHUNK])
    await connection.send_chunk(b"")


def _note(world: World, request: Request, body: Any, status: int | None) -> None:
    world.note(Asked(request.method, request.path, dict(request.headers), body, status))


def _refused(status: int, said: str) -> Reply:
    return Reply.of({"message": said}, status, {"x-line-request-id": _request_id()})


def _request_id() -> str:
    return f"request-{next(_requests)}"


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
