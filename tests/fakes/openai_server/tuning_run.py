"""The life of one fine-tuning job: its files are read, it waits, it is trained, its model can be asked."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.student import fitted
from tests.fakes.openai_server.tuning import Job, Tuning
from tests.fakes.openai_server.tuning_rows import BadFile, Row, rows_of

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

TARGET_EPOCHS = 3
KEPT_CHECKPOINTS = 3


async def run_job(world: "World", job: Job) -> None:
    """Take a job from its creation to its end."""
    tuning = world.tuning
    try:
        job.say(f"Created fine-tuning job: {job.shown['id']}")
        await _pass_time(tuning, job)
        job.say(f"Validating training file: {job.shown['training_file']}")
        rows = await asyncio.to_thread(_rows, world, job, "training_file")
        if job.shown["validation_file"]:
            await asyncio.to_thread(_rows, world, job, "validation_file")
        await _stage(tuning, job, "queued", "Files validated, moving job to queued state")
        await _stage(tuning, job, "running", "Fine-tuning job started")
        await _train(world, job, rows)
    except BadFile as problem:
        param, said = problem.args
        _fail(job, "invalid_training_file" if param == "training_file" else "invalid_validation_file", param, said)
    except _Cancelled:
        _end(job, "cancelled")
        job.say("Fine-tuning job cancelled", "warn")


class _Cancelled(Exception):
    pass


def _rows(world: "World", job: Job, param: str) -> list[Row]:
    file = world.files.find(job.shown[param])
    said = f"The job failed due to an invalid {param.replace('_', ' ')}. "
    if file is None:
        raise BadFile(param, f"{said}File {job.shown[param]} no longer exists.")
    try:
        return rows_of(file.content, job.shown["method"]["type"])
    except BadFile as problem:
        raise BadFile(param, said + str(problem)) from None


async def _stage(tuning: Tuning, job: Job, status: str, said: str) -> None:
    _stop_if_asked(job)
    job.shown["status"] = status
    job.say(said)
    await _pass_time(tuning, job)


async def _pass_time(tuning: Tuning, job: Job) -> None:
    await asyncio.sleep(tuning.step_seconds)
    # Set and cleared from another thread, so it is looked at and not waited for.
    while tuning.held.is_set() and job.shown["status"] == "running" and not job.wants_cancel:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    _stop_if_asked(job)


def _stop_if_asked(job: Job) -> None:
    if job.wants_cancel:
        raise _Cancelled


async def _train(world: "World", job: Job, rows: list[Row]) -> None:
    tuning, method = world.tuning, job.shown["method"]
    settled = method[method["type"]]["hyperparameters"]
    settled |= _settled(settled, len(rows))
    job.shown["hyperparameters"] = {key: settled[key] for key in ("n_epochs", "batch_size", "learning_rate_multiplier")}
    base = job.shown["model"]
    steps_per_epoch = -(-len(rows) // settled["batch_size"])
    total = steps_per_epoch * settled["n_epochs"]
    for epoch in range(1, settled["n_epochs"] + 1):
        await _pass_time(tuning, job)
        if tuning.fails_while_running:
            _fail(job, "server_error", None, "The job failed due to an internal error.")
            return
        student = await asyncio.to_thread(fitted, rows, epoch, tuning.known.get(base, ()))
        step = steps_per_epoch * epoch
        figures = {"step": step, "total_steps": total, "train_loss": round(student.loss, 4)}
        job.say(f"Step {step}/{total}: training loss={student.loss:.2f}", figures=figures)
        _keep_checkpoint(world, job, step, figures)
        tuning.students[_name(job, step)] = student
    _stop_if_asked(job)
    _finish(world, job, rows, settled["n_epochs"])


def _finish(world: "World", job: Job, rows: list[Row], epochs: int) -> None:
    name = _name(job)
    world.tuning.students[name] = world.tuning.students[job.checkpoints[-1]["fine_tuned_model_checkpoint"]]
    world.models.add(name)
    job.shown |= {"fine_tuned_model": name, "trained_tokens": epochs * sum(row.tokens for row in rows),
                  "result_files": []}  # fmt: skip
    job.say(f"New fine-tuned model created: {name}")
    _end(job, "succeeded")
    job.say("The job has successfully completed")


def _keep_checkpoint(world: "World", job: Job, step: int, figures: dict[str, Any]) -> None:
    name = _name(job, step)
    world.models.add(name)
    job.checkpoints.append({
        "object": "fine_tuning.job.checkpoint", "id": f"ftckpt_{job.shown['id'][6:]}{step}",
        "created_at": int(time.time()), "fine_tuned_model_checkpoint": name, "fine_tuning_job_id": job.shown["id"],
        "metrics": {"step": step, "train_loss": figures["train_loss"]}, "step_number": step,
    })  # fmt: skip
    del job.checkpoints[:-KEPT_CHECKPOINTS]
    job.say(f"Checkpoint created at step {step}")


def _name(job: Job, step: int | None = None) -> str:
    suffix = job.shown["user_provided_suffix"] or ""
    name = f"ft:{job.shown['model']}:example:{suffix}:{job.shown['id'][-8:]}"
    return name if step is None else f"{name}:ckpt-step-{step}"


def _settled(given: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return what `auto` comes to: about three passes, more over few rows."""
    epochs = TARGET_EPOCHS if rows * TARGET_EPOCHS >= 100 else min(25, 100 // rows)
    auto = {"n_epochs": epochs, "batch_size": max(1, rows // 500), "learning_rate_multiplier": 1.8}
    return {key: value if given.get(key, "auto") == "auto" else given[key] for key, value in auto.items()}


def _fail(job: Job, code: str, param: str | None, said: str) -> None:
    job.shown["error"] = {"code": code, "message": said, "param": param}
    _end(job, "failed")
    job.say(said, "error")


def _end(job: Job, status: str) -> None:
    job.shown |= {"status": status, "finished_at": int(time.time()), "estimated_finish": None}
