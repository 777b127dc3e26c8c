"""What was trained, and how far it is: a job survives whoever began it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.tables import training_jobs


@dataclass(frozen=True)
class TrainingRecord:
    """A job as it was last seen."""

    key: str
    """Of the order: the same node, base, prompt, rows, seed and passes."""

    node: str
    trainer: str
    base: str
    """The model it begins from, as `provider:name`."""

    prompt_fingerprint: str
    rows_hash: str
    state: str
    job_id: str | None = None
    """None until the trainer has said it."""

    model: str | None = None
    """The student as `provider:name`; None until there is one."""

    body: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    """None before it is noted."""


async def note(tx: AsyncConnection, pharmacy_id: str, actor: str, record: TrainingRecord) -> bool:
    """Keep what the job has become; False where that is known already."""
    before = await of_key(tx, pharmacy_id, record.key)
    if before and (before.state, before.job_id, before.model) == (record.state, record.job_id, record.model):
        return False
    values = {name: getattr(record, name) for name in _COLUMNS} | {"body": dict(record.body)}
    await tx.execute(insert(training_jobs).values(pharmacy_id=pharmacy_id, noted_by=actor, **values))
    said = {"node": record.node, "base": record.base, "job": record.job_id, "model": record.model}
    await audit.append(tx, pharmacy_id, actor, f"training_{record.state}", record.key, said)
    return True


async def of_key(tx: AsyncConnection, pharmacy_id: str, key: str) -> TrainingRecord | None:
    """Return the newest that is known of an order, or None."""
    return await _one(tx, _newest(pharmacy_id, training_jobs.c.key == key))


async def of_job(tx: AsyncConnection, pharmacy_id: str, job_id: str) -> TrainingRecord | None:
    """Return the newest that is known of a job, or None."""
    return await _one(tx, _newest(pharmacy_id, training_jobs.c.job_id == job_id))


async def all_jobs(tx: AsyncConnection, pharmacy_id: str, limit: int = 50) -> list[TrainingRecord]:
    """Return the newest that is known of each order, the one heard of last first."""
    newest = select(training_jobs).where(training_jobs.c.pharmacy_id == pharmacy_id)
    each = newest.distinct(training_jobs.c.key).order_by(training_jobs.c.key, training_jobs.c.seq.desc()).subquery()
    found = await tx.execute(select(each).order_by(each.c.seq.desc()).limit(limit))
    return [_read(row) for row in found]


_COLUMNS = ("key", "node", "trainer", "base", "prompt_fingerprint", "rows_hash", "job_id", "state", "model")


def _newest(pharmacy_id: str, which: ColumnElement[bool]) -> Select[Any]:
    mine = select(training_jobs).where(training_jobs.c.pharmacy_id == pharmacy_id, which)
    return mine.order_by(training_jobs.c.seq.desc()).limit(1)


async def _one(tx: AsyncConnection, found: Select[Any]) -> TrainingRecord | None:
    row = (await tx.execute(found)).one_or_none()
    return _read(row) if row else None


def _read(row: Any) -> TrainingRecord:
    return TrainingRecord(**{name: getattr(row, name) for name in (*_COLUMNS, "body", "at")})
