"""`/v1/fine_tuning/jobs`: create, list, show, cancel; events and checkpoints."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.errors import ApiError, missing_parameter, unknown_parameter
from tests.fakes.openai_server.http import Reply, Request
from tests.fakes.openai_server.json_body import json_body
from tests.fakes.openai_server.pages import metadata_of, page, query_of
from tests.fakes.openai_server.tuning import LAST_NEW_JOBS, METHODS, Job, Tuning
from tests.fakes.openai_server.tuning_run import run_job

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

_KNOWN = {"model", "training_file", "validation_file", "method", "suffix", "seed", "metadata", "hyperparameters",
          "integrations"}  # fmt: skip
_MOST_SUFFIX = 64
_MOST_METADATA = 16
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "n_epochs": (1, 50), "batch_size": (1, 256), "learning_rate_multiplier": (1e-9, 10), "beta": (1e-9, 2),
}  # fmt: skip


async def answer_tuning(world: "World", request: Request) -> Reply | None:
    """Return the answer to a request about fine-tuning jobs; None when it is about something else."""
    path = request.path.removeprefix("/v1").strip("/").split("/")
    if path[:2] != ["fine_tuning", "jobs"]:
        return None
    query, tuning = query_of(request), world.tuning
    match request.method, path[2:]:
        case "POST", []:
            return Reply.of(_created(world, json_body(request)).shown)
        case "GET", []:
            return page(_matching(tuning, metadata_of(query)), query)
        case "GET", [job_id]:
            return Reply.of(_found(tuning, job_id).shown)
        case "GET", [job_id, "events"]:
            return page(_found(tuning, job_id).events[::-1], query)
        case "GET", [job_id, "checkpoints"]:
            return page(_found(tuning, job_id).checkpoints[::-1], query, first=10)
        case "POST", [job_id, "cancel"]:
            return Reply.of(_cancelled(_found(tuning, job_id)))
    return None


def _created(world: "World", body: Mapping[str, Any]) -> Job:
    tuning = world.tuning
    # The provider's own words for this refusal are not known.
    if not tuning.may_create or world.models.today > LAST_NEW_JOBS:
        raise ApiError(403, "Your organization is not allowed to create new fine-tuning jobs.", code="forbidden")
    if extra := body.keys() - _KNOWN:
        raise unknown_parameter(min(extra))
    for name in ("model", "training_file"):
        if not body.get(name):
            raise missing_parameter(name)
    method = _method(world, body)
    for name in ("training_file", "validation_file"):
        _refuse_wrong_file(world, body.get(name), name)
    _refuse_odd_labels(body)
    shown = _shown(body, method, keeps_metadata=tuning.keeps_metadata)
    job = tuning.jobs[shown["id"]] = Job(shown)
    world.at_work.add(task := asyncio.get_running_loop().create_task(run_job(world, job)))
    task.add_done_callback(world.at_work.discard)
    return job


def _method(world: "World", body: Mapping[str, Any]) -> dict[str, Any]:
    model, method = str(body["model"]), body.get("method") or {"type": "supervised"}
    kind = method.get("type") if isinstance(method, dict) else None
    base = model.split(":")[1] if model.startswith("ft:") and model in world.models.known else model
    if base not in METHODS or world.models.find(base).id != base:
        raise ApiError(400, f"Model {model} is not available for fine-tuning or does not exist.",
                       code="model_not_available")  # fmt: skip
    if kind not in METHODS[base]:
        raise ApiError(400, f"Invalid value: {kind!r}. Supported values are: {sorted(METHODS[base])}.",
                       param="method.type", code="invalid_value")  # fmt: skip
    given = dict((method.get(kind) or {}).get("hyperparameters") or body.get("hyperparameters") or {})
    for name, value in given.items():
        if name not in _BOUNDS or (name == "beta" and kind != "dpo"):
            raise unknown_parameter(f"method.{kind}.hyperparameters.{name}")
        least, most = _BOUNDS[name]
        if value != "auto" and not (isinstance(value, int | float) and least <= value <= most):
            raise ApiError(400, f"Invalid '{name}': expected 'auto' or a number from {least:g} to {most:g}.",
                           param=f"method.{kind}.hyperparameters.{name}", code="invalid_value")  # fmt: skip
    auto = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
    return {"type": kind, kind: {"hyperparameters": auto | given}}


def _refuse_wrong_file(world: "World", file_id: object, param: str) -> None:
    if file_id is None and param == "validation_file":
        return
    file = world.files.find(str(file_id))
    if file is None or file.shown["purpose"] != "fine-tune":
        raise ApiError(400, f"invalid {param}: {file_id}", param=param)


def _refuse_odd_labels(body: Mapping[str, Any]) -> None:
    suffix, seed, metadata = body.get("suffix"), body.get("seed"), body.get("metadata") or {}
    if suffix is not None and (not isinstance(suffix, str) or not 1 <= len(suffix) <= _MOST_SUFFIX):
        raise ApiError(400, f"Invalid 'suffix': expected a string of 1 to {_MOST_SUFFIX} characters.", param="suffix")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise ApiError(400, "Invalid type for 'seed': expected int.", param="seed", code="invalid_type")
    fits = len(metadata) <= _MOST_METADATA and all(
        len(key) <= 64 and isinstance(value, str) and len(value) <= 512 for key, value in metadata.items()
    )
    if not fits:
        raise ApiError(400, "Invalid 'metadata': at most 16 pairs of 64 and 512 characters.", param="metadata")


def _shown(body: Mapping[str, Any], method: dict[str, Any], *, keeps_metadata: bool) -> dict[str, Any]:
    return {
        "object": "fine_tuning.job", "id": f"ftjob-{uuid.uuid4().hex[:24]}", "model": body["model"],
        "created_at": int(time.time()), "finished_at": None, "fine_tuned_model": None, "organization_id": "org-example",
        "result_files": [], "status": "validating_files", "validation_file": body.get("validation_file"),
        "training_file": body["training_file"], "trained_tokens": None, "error": {}, "estimated_finish": None,
        "hyperparameters": dict(method[method["type"]]["hyperparameters"]), "method": method, "integrations": [],
        "user_provided_suffix": body.get("suffix"), "seed": body.get("seed", 42),
        "metadata": (body.get("metadata") or {}) if keeps_metadata else None,
    }  # fmt: skip


def _matching(tuning: Tuning, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    newest_first = [job.shown for job in tuning.jobs.values()][::-1]
    if not tuning.keeps_metadata:
        return newest_first
    return [shown for shown in newest_first if wanted.items() <= shown["metadata"].items()]


def _found(tuning: Tuning, job_id: str) -> Job:
    if job_id not in tuning.jobs:
        raise ApiError(404, f"Could not find fine tune: {job_id}", param="fine_tune_id", code="fine_tune_not_found")
    return tuning.jobs[job_id]


def _cancelled(job: Job) -> dict[str, Any]:
    if job.ended:
        raise ApiError(400, f"Job has already completed: {job.shown['id']}", code="job_not_cancellable")
    job.wants_cancel = True
    job.shown["status"] = "cancelled"
    return job.shown
