"""Train a student by OpenAI's fine-tuning, at OpenAI or wherever its interface is spoken."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import openai
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from distillation.trainers.openai_asking import patiently
from distillation.trainers.openai_estimate import estimate
from distillation.trainers.openai_files import OpenAIFiles
from distillation.trainers.openai_refusals import told
from distillation.trainers.port import (
    Checkpoint,
    Estimate,
    Event,
    Job,
    Order,
    State,
    Told,
    TrainerRefused,
    TrainerSilent,
)
from pharmacy.models.model_name import ModelRef
from pharmacy.models.patience import Patience, is_transient
from pharmacy.models.prices import Prices

KEY = "kakari"
"""The label of our jobs at the provider; its value is the order's key."""

MOST_JOBS = 1000
"""How many of the newest jobs are looked through for one of ours."""

_STATES: Mapping[str, State] = {
    "validating_files": State.WAITING, "queued": State.WAITING, "paused": State.WAITING, "pending": State.WAITING,
    "notrunning": State.WAITING, "running": State.RUNNING, "succeeded": State.SUCCEEDED, "failed": State.FAILED,
    "cancelled": State.CANCELLED, "canceled": State.CANCELLED, "cancelling": State.RUNNING,
}  # fmt: skip


class OpenAITuning:
    """A `Trainer` at one endpoint."""

    name = "openai"

    def __init__(
        self, provider: str, client: openai.AsyncOpenAI, prices: Prices, today: date, patience: Patience | None = None
    ) -> None:
        """Train at the endpoint that the node tables call `provider`."""
        self._provider = provider
        self._client = client
        self._prices = prices
        self._today = today
        self._patience = patience or Patience()
        self._files = OpenAIFiles(client, provider, self._patience)

    def estimate(self, order: Order) -> Estimate:
        """Return what the order will come to, by local counting and the dated prices."""
        return estimate(order, self._prices, self._today)

    async def start(self, order: Order, told: Told) -> Job:
        """Return the order's job: the one that is there already, or a new one; never a second."""
        estimate(order, self._prices, self._today)
        if (found := await self._find(order, await self._files.find(order.train))) is not None:
            told(f"{found.id} is at work on the same order already")
            return self._job(found)
        told(f"handing over {order.train.path.name}, {len(order.train.content):,} bytes")
        train = await self._files.put(order.train)
        validation = None
        if order.validation is not None:
            told(f"handing over {order.validation.path.name}, {len(order.validation.content):,} bytes")
            validation = await self._files.put(order.validation)
        told("creating the job")
        try:
            return self._job(await self._create(order, train, validation))
        except TrainerRefused:
            # Nobody trains on it, so there is no reason for patients' words to stand there; they end by themselves too.
            with suppress(TrainerRefused, TrainerSilent):
                await self._take_back({train, validation})
            raise

    async def look(self, job_id: str) -> Job:
        """Return the job as it stands."""
        return self._job(await self._retrieved(job_id))

    async def events(self, job_id: str, seen: frozenset[str]) -> Sequence[Event]:
        """Return what was told of the job and is not among `seen`, oldest first."""

        async def ask() -> list[FineTuningJobEvent]:
            new: list[FineTuningJobEvent] = []
            async for event in self._client.fine_tuning.jobs.list_events(job_id, limit=100):
                if event.id in seen:
                    break
                new.append(event)
            return new

        return [_event(event) for event in reversed(await patiently(ask, self._patience, self._provider, job=job_id))]

    async def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """Return the job's checkpoints, newest first."""

        async def ask() -> list[Checkpoint]:
            listed = self._client.fine_tuning.jobs.checkpoints.list(job_id)
            return [
                Checkpoint(
                    f"{self._provider}:{each.fine_tuned_model_checkpoint}", each.step_number, each.metrics.train_loss
                )
                async for each in listed
            ]

        return await patiently(ask, self._patience, self._provider, job=job_id)

    async def cancel(self, job_id: str) -> Job:
        """Stop the job; one that has ended stays as it is."""

        async def ask() -> FineTuningJob:
            try:
                return await self._client.fine_tuning.jobs.cancel(job_id)
            except openai.BadRequestError:
                return await self._client.fine_tuning.jobs.retrieve(job_id)

        return self._job(await patiently(ask, self._patience, self._provider, job=job_id))

    async def release(self, job_id: str) -> int:
        """Delete the files of a job that has ended, where no other job is at work on them."""
        job = await self._retrieved(job_id)
        if not _state(job).has_ended:
            return 0
        return await self._take_back({job.training_file, job.validation_file})

    async def _take_back(self, own: set[str | None]) -> int:
        at_work = {
            file for other in await self._newest() if not _state(other).has_ended
            for file in (other.training_file, other.validation_file)
        }  # fmt: skip
        return sum([await self._files.take_back(file) for file in sorted(filter(None, own - at_work))])

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _create(self, order: Order, train: str, validation: str | None) -> FineTuningJob:
        """Return a new job, or the one that an earlier try has begun though its answer was lost."""
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return await self._client.fine_tuning.jobs.create(**_body(order, train, validation))
            except openai.APIError as error:
                if attempt == self._patience.attempts or not is_transient(error):
                    raise told(error, self._provider, base=order.base) from error
                await asyncio.sleep(self._patience.wait_seconds(error, attempt))
            if (found := await self._find(order, train)) is not None:
                return found
        raise AssertionError("the last attempt returns or raises")

    async def _find(self, order: Order, train: str | None) -> FineTuningJob | None:
        """Return the newest job of the same order that has not failed, by its label, or where those are forgotten by
        its file, model and seed."""
        for job in await self._newest({KEY: order.key}):
            labelled = (job.metadata or {}).get(KEY)
            by_file = (job.training_file, job.model, job.seed) == (train, ModelRef.read(order.base).name, order.seed)
            ours = labelled == order.key if labelled is not None else by_file and not job.metadata
            if ours and _state(job) not in (State.FAILED, State.CANCELLED):
                return job
        return None

    async def _newest(self, label: Mapping[str, str] | None = None) -> list[FineTuningJob]:
        async def ask() -> list[FineTuningJob]:
            found: list[FineTuningJob] = []
            given: dict[str, Any] = {"metadata": dict(label)} if label else {}
            jobs: AsyncIterator[FineTuningJob] = self._client.fine_tuning.jobs.list(limit=100, **given).__aiter__()
            async for job in jobs:
                found.append(job)
                if len(found) == MOST_JOBS:
                    break
            return found

        return await patiently(ask, self._patience, self._provider)

    async def _retrieved(self, job_id: str) -> FineTuningJob:
        ask = self._client.fine_tuning.jobs.retrieve
        return await patiently(lambda: ask(job_id), self._patience, self._provider, job=job_id)

    def _job(self, job: FineTuningJob) -> Job:
        base = f"{self._provider}:{job.model}"
        cost = None
        if job.trained_tokens is not None:
            cost = self._prices.training_usd(ModelRef.read(base), job.trained_tokens)
        settled = job.hyperparameters.n_epochs if job.hyperparameters else None
        return Job(
            id=job.id,
            state=_state(job),
            base=base,
            model=f"{self._provider}:{job.fine_tuned_model}" if job.fine_tuned_model else None,
            trained_tokens=job.trained_tokens,
            cost_usd=cost,
            epochs=settled if isinstance(settled, int) else None,
            seed=job.seed,
            problem=job.error.message if job.error and job.error.message else None,
        )


def _body(order: Order, train: str, validation: str | None) -> dict[str, Any]:
    hyperparameters = {"n_epochs": order.epochs or "auto"}
    method = order.train.method
    labels = {KEY: order.key, "node": order.node, "prompt": order.prompt_fingerprint, "rows": order.train.sha256[:32]}
    body = {
        "model": ModelRef.read(order.base).name,
        "training_file": train,
        "method": {"type": method, method: {"hyperparameters": hyperparameters}},
        "suffix": order.node.replace("_", "-"),
        "seed": order.seed,
        "metadata": labels | ({"dataset": order.dataset} if order.dataset else {}),
    }
    return body | ({"validation_file": validation} if validation else {})


def _state(job: FineTuningJob) -> State:
    # A status that nobody has heard of says that something goes on.
    return _STATES.get(str(job.status).lower(), State.RUNNING)


def _event(event: FineTuningJobEvent) -> Event:
    figures = event.data if isinstance(event.data, dict) else {}
    return Event(
        event.id,
        datetime.fromtimestamp(event.created_at, UTC),
        event.message,
        _number(figures.get("step")),
        _number(figures.get("total_steps")),
        loss if isinstance(loss := figures.get("train_loss"), float) else None,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
