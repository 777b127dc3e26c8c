"""The life of one batch: its file is read, each request is answered, what came of it stands in two files."""

import asyncio
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.chat import completion_of
from tests.fakes.openai_server.errors import ApiError

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

MOST_REQUESTS = 50_000
EXPIRED = {"code": "batch_expired",
           "message": "This request could not be executed before the completion window expired."}  # fmt: skip
CANCELLED = {"code": "batch_cancelled", "message": "This request could not be executed: the batch was cancelled."}


async def run_batch(world: "World", batch: dict[str, Any], content: bytes) -> None:
    """Take a batch from its creation to its end."""
    await asyncio.sleep(world.batches.step_seconds)
    requests, errors = _requests(content, batch["endpoint"])
    if errors:
        batch["errors"] = {"object": "list", "data": errors}
        _end(batch, "failed")
        return
    counts = batch["request_counts"] = {"total": len(requests), "completed": 0, "failed": 0}
    if batch["id"] not in world.batches.cancelling:
        batch |= {"status": "in_progress", "in_progress_at": int(time.time())}
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    ended = "completed"
    for at, request in enumerate(requests):
        await asyncio.sleep(world.batches.step_seconds)
        if batch["id"] in world.batches.cancelling:
            ended = "cancelled"
        elif at == world.batches.expires_after:
            ended = "expired"
        if ended != "completed":
            bad += [_line(left, None, EXPIRED if ended == "expired" else CANCELLED) for left in requests[at:]]
            break
        line = await _answered(world, request)
        fine = line["response"]["status_code"] == 200
        (good if fine else bad).append(line)
        counts["completed" if fine else "failed"] += 1
    batch["output_file_id"] = _written(world, batch, "output", good)
    batch["error_file_id"] = _written(world, batch, "error", bad)
    _end(batch, ended)


def _requests(content: bytes, endpoint: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the file's requests, and what is wrong with it, each with its line."""
    found: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, line in enumerate(content.decode("utf-8", "replace").strip("\n").split("\n"), 1):
        if problem := _problem(request := _read(line), endpoint, seen):
            errors.append({"code": problem[0], "line": number, "message": problem[1], "param": problem[2]})
        else:
            assert request is not None
            seen.add(request["custom_id"])
            found.append(request)
    models = {request["body"].get("model") for request in found}
    if len(models) > 1 or len(found) > MOST_REQUESTS:
        errors.append({"code": "mismatched_model", "line": 1, "param": "body.model",
                       "message": "The provided model does not match the model of the first request."})  # fmt: skip
    return found, errors


def _read(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _problem(request: dict[str, Any] | None, endpoint: str, seen: set[str]) -> tuple[str, str, str | None] | None:
    if request is None:
        return "invalid_json_line", "This line is not parseable as valid JSON.", None
    for name in ("custom_id", "method", "url", "body"):
        if not request.get(name):
            return "missing_required_parameter", f"Missing required parameter: '{name}'.", name
    if request["method"] != "POST" or request["url"] != endpoint:
        return "invalid_url", f"The URL provided for this request does not match the batch endpoint {endpoint}.", "url"
    if request["custom_id"] in seen:
        return "duplicate_custom_id", f"The custom_id '{request['custom_id']}' has been used before.", "custom_id"
    return None


async def _answered(world: "World", request: dict[str, Any]) -> dict[str, Any]:
    try:
        completion, fault = await completion_of(world, request["body"])
        if fault and fault.play:
            raise ApiError(500, "The server had an error while processing your request.", "server_error")
    except ApiError as error:
        body = json.loads(error.reply.body)
        return _line(request, {"status_code": error.status, "request_id": _request_id(), "body": body}, None)
    return _line(request, {"status_code": 200, "request_id": _request_id(), "body": completion}, None)


def _line(request: dict[str, Any], response: dict[str, Any] | None, error: dict[str, Any] | None) -> dict[str, Any]:
    own = f"batch_req_{uuid.uuid4().hex[:24]}"
    return {"id": own, "custom_id": request["custom_id"], "response": response, "error": error}


def _request_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def _written(world: "World", batch: dict[str, Any], kind: str, lines: list[dict[str, Any]]) -> str | None:
    if not lines:
        return None
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    file_id: str = world.files.put(f"{batch['id']}_{kind}.jsonl", content, "batch_output")["id"]
    return file_id


def _end(batch: dict[str, Any], status: str) -> None:
    batch |= {"status": status, f"{status}_at": int(time.time())}
