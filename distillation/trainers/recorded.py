"""Train on record: what was begun is kept before and after each step, so that a job survives whoever began it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from distillation.trainers.follow import POLL_SECONDS, follow
from distillation.trainers.port import Event, Job, Order, State, Told, Trainer, TrainerRefused
from pharmacy.storage import training_jobs
from pharmacy.storage.database import Database
from pharmacy.storage.training_jobs import TrainingRecord


@dataclass(frozen=True)
class Books:
    """Where training is recorded, and for whom."""

    database: Database
    pharmacy_id: str
    actor: str

    async def of_order(self, order: Order) -> TrainingRecord | None:
        """Return what is known of the order, or None."""
        async with self.database.begin(self.pharmacy_id) as tx:
            return await training_jobs.of_key(tx, self.pharmacy_id, order.key)

    async def of_job(self, job_id: str) -> TrainingRecord | None:
        """Return what is known of the job, or None."""
        async with self.database.begin(self.pharmacy_id) as tx:
            return await training_jobs.of_job(tx, self.pharmacy_id, job_id)

    async def all(self) -> list[TrainingRecord]:
        """Return the newest that is known of each order, the one heard of last first."""
        async with self.database.begin(self.pharmacy_id) as tx:
            return await training_jobs.all_jobs(tx, self.pharmacy_id)

    async def note(self, record: TrainingRecord) -> TrainingRecord:
        """Keep what a job has become."""
        async with self.database.begin(self.pharmacy_id) as tx:
            await training_jobs.note(tx, self.pharmacy_id, self.actor, record)
        return record


async def begin(books: Books, trainer: Trainer, order: Order, told: Told) -> TrainingRecord:
    """Return the order's job on record: the one that was begun before, unless it failed, or a new one.

    Raises:
        TrainerRefused: it was not begun, and that is on record.
        TrainerSilent: nobody knows whether it was begun; the same order again will find it.
    """
    known = await books.of_order(order)
    if known and known.job_id and State(known.state) not in (State.FAILED, State.CANCELLED):
        told(f"{known.job_id} was begun on the same order before; to train the same anew, give another seed")
        return known
    record = await books.note(_first(trainer, order))
    try:
        job = await trainer.start(order, told)
    except TrainerRefused:
        await books.note(replace(record, state=State.FAILED))
        raise
    return await books.note(with_job(record, job))


async def watch(
    books: Books,
    trainer: Trainer,
    record: TrainingRecord,
    on_event: Callable[[Event], None],
    *,
    poll_seconds: float = POLL_SECONDS,
) -> Job:
    """Return the job of `record` once it has ended; each of its states goes on record.

    Raises:
        TrainerRefused, TrainerSilent
    """
    assert record.job_id is not None

    async def changed(job: Job) -> None:
        await books.note(with_job(record, job))

    return await follow(trainer, record.job_id, on_event, changed, poll_seconds=poll_seconds)


def with_job(record: TrainingRecord, job: Job) -> TrainingRecord:
    """Return the record as the job now stands."""
    # Not why it failed: the words may quote a row, and the record is kept when a patient is erased.
    figures = {"trained_tokens": job.trained_tokens, "cost_usd": job.cost_usd, "epochs": job.epochs, "seed": job.seed}
    known = {name: value for name, value in figures.items() if value is not None}
    return replace(
        record, job_id=job.id, state=job.state, model=job.model, body={**record.body, **known}
    )  # fmt: skip


def _first(trainer: Trainer, order: Order) -> TrainingRecord:
    body = {
        "seed": order.seed, "epochs": order.epochs, "rows": len(order.train.rows), "method": order.train.method,
        "dataset": order.dataset, "validation_hash": order.validation.sha256 if order.validation else None,
    }  # fmt: skip
    return TrainingRecord(
        key=order.key,
        node=order.node,
        trainer=trainer.name,
        base=order.base,
        prompt_fingerprint=order.prompt_fingerprint,
        rows_hash=order.train.sha256,
        state=State.CREATING,
        body=body,
    )
