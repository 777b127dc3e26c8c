"""`/v1/batches`: many requests in one file, answered in their own time."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.batch_run import run_batch
from tests.fakes.openai_server.batches import Batches
from tests.fakes.openai_server.errors import ApiError, missing_parameter, unknown_parameter
from tests.fakes.openai_server.http import Reply, Request
from tests.fakes.openai_server.json_body import json_body
from tests.fakes.openai_server.pages import page, query_of

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

ENDPOINTS = ("/v1/chat/completions",)
"""What a batch may ask here; the provider knows more."""

_KNOWN = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
_ENDED = ("completed", "failed", "expired", "cancelled")


async def answer_batches(world: "World", request: Request) -> Reply | None:
    """Return the answer to a request about batches; None when it is about something else."""
    match request.method, request.path.removeprefix("/v1").strip("/").split("/"):
        case "POST", ["batches"]:
            return Reply.of(_created(world, json_body(request)))
        case "GET", ["batches"]:
            return page(list(world.batches.kept.values())[::-1], query_of(request))
        case "GET", ["batches", batch_id]:
            return Reply.of(_found(world.batches, batch_id))
        case "POST", ["batches", batch_id, "cancel"]:
            return Reply.of(_cancelled(world.batches, batch_id))
    return None


def _created(world: "World", body: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not body.get(name):
            raise missing_parameter(name)
    if extra := body.keys() - _KNOWN:
        raise unknown_parameter(min(extra))
    if body["endpoint"] not in ENDPOINTS or body["completion_window"] != "24h":
        param = "endpoint" if body["endpoint"] not in ENDPOINTS else "completion_window"
        raise ApiError(400, f"Invalid value: '{body[param]}'.", param=param, code="invalid_value")
    file = world.files.find(str(body["input_file_id"]))
    if file is None or file.shown["purpose"] != "batch":
        raise ApiError(400, f"Invalid input file: {body['input_file_id']}", param="input_file_id")
    batch = world.batches.kept[f"batch_{uuid.uuid4().hex[:24]}"] = _shown(body)
    batch["id"] = next(reversed(world.batches.kept))
    world.at_work.add(task := asyncio.get_running_loop().create_task(run_batch(world, batch, file.content)))
    task.add_done_callback(world.at_work.discard)
    return batch


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    times = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": "", "object": "batch", "endpoint": body["endpoint"], "errors": None, "status": "validating",
        "input_file_id": body["input_file_id"], "completion_window": "24h", "output_file_id": None,
        "error_file_id": None, "created_at": now, "expires_at": now + 24 * 3600, "metadata": body.get("metadata"),
        "request_counts": {"total": 0, "completed": 0, "failed": 0}, **{f"{each}_at": None for each in times},
    }  # fmt: skip


def _found(batches: Batches, batch_id: str) -> dict[str, Any]:
    if batch_id not in batches.kept:
        raise ApiError(404, f"No batch found with id '{batch_id}'.", param="batch_id")
    return batches.kept[batch_id]


def _cancelled(batches: Batches, batch_id: str) -> dict[str, Any]:
    batch = _found(batches, batch_id)
    if batch["status"] in _ENDED:
        raise ApiError(409, f"Cannot cancel a batch with status '{batch['status']}'.")
    batches.cancelling.add(batch_id)
    batch |= {"status": "cancelling", "cancelling_at": int(time.time())}
    return batch
