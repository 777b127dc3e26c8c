"""Keep dataset versions: written once, read as often as wanted; rows only ever leave them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.dataset_turns import take_turn
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import dataset_losses, dataset_rows, datasets, patient_splits, patients

BATCH = 500
# Longer than other work may take: thousands of rows are compared and written, and nobody else's message waits for it.
_LIMITS = text(
    "SELECT set_config('lock_timeout', '15s', true), set_config('statement_timeout', '50s', true),"
    " set_config('idle_in_transaction_session_timeout', '300s', true)"
)
_LEFT = text("""
SELECT m.seq FROM model_calls m
JOIN conversations c ON c.pharmacy_id = m.pharmacy_id AND c.id = m.conversation_id
JOIN patients p ON p.pharmacy_id = c.pharmacy_id AND p.id = c.patient_id
WHERE m.pharmacy_id = :pharmacy_id AND m.seq = ANY(CAST(:seqs AS bigint[])) AND m.output IS NOT NULL
  AND p.profile #>> '{consent,training}' = 'true'
""")


@dataclass(frozen=True)
class DatasetRow:
    """One row of a version."""

    place: int
    split: str
    patient_id: str
    conversation_id: str
    conversation_version: int
    row: Mapping[str, Any]
    row_hash: str


@dataclass(frozen=True)
class DatasetVersion:
    """A version without its rows."""

    version: str
    node: str
    number: int
    rows_hash: str
    """SHA-256 over prompt and rows as they were built; with rows lost since, the rows left have another."""

    prompt: Mapping[str, str]
    manifest: Mapping[str, Any]
    built_by: str
    at: datetime
    lost: Mapping[str, int]
    """Split to how many rows have left it since: erased, withdrawn, no longer agreed to."""


async def begin_writing(tx: AsyncConnection, pharmacy_id: str) -> None:
    """Wait for whoever else builds or erases: splits and numbers are given by one transaction at a time."""
    await tx.execute(_LIMITS)
    await take_turn(tx, pharmacy_id)


async def still_usable(tx: AsyncConnection, pharmacy_id: str, seqs: Iterable[int]) -> frozenset[int]:
    """Return which calls still have their words, and a patient who agrees to training.

    What is erased, withdrawn or no longer agreed to while a version was made must not come back with it; asked after
    `begin_writing`, the answer holds until the commit.
    """
    return frozenset((await tx.execute(_LEFT, {"pharmacy_id": pharmacy_id, "seqs": [*seqs]})).scalars())


async def splits(tx: AsyncConnection, pharmacy_id: str) -> dict[str, str]:
    """Return every patient's split who has one."""
    found = select(patient_splits.c.patient_id, patient_splits.c.split)
    return {
        row.patient_id: row.split for row in await tx.execute(found.where(patient_splits.c.pharmacy_id == pharmacy_id))
    }


async def assign(tx: AsyncConnection, pharmacy_id: str, assigned: Mapping[str, str]) -> None:
    """Give patients their split; nobody is given one twice."""
    rows = [{"pharmacy_id": pharmacy_id, "patient_id": who, "split": split} for who, split in assigned.items()]
    for at in range(0, len(rows), BATCH):
        await tx.execute(insert(patient_splits), rows[at : at + BATCH])


async def write(
    tx: AsyncConnection, pharmacy_id: str, actor: str, version: DatasetVersion, rows: Sequence[DatasetRow]
) -> None:
    """Keep a version."""
    values = {name: getattr(version, name) for name in ("version", "node", "number", "rows_hash", "built_by")}
    kept = {"prompt": dict(version.prompt), "manifest": dict(version.manifest)}
    await tx.execute(insert(datasets).values(pharmacy_id=pharmacy_id, **values, **kept))
    scope = {"pharmacy_id": pharmacy_id, "version": version.version}
    for at in range(0, len(rows), BATCH):
        await tx.execute(insert(dataset_rows), [scope | vars(row) for row in rows[at : at + BATCH]])
    said = {"node": version.node, "rows": len(rows), "rows_hash": version.rows_hash}
    await audit.append(tx, pharmacy_id, actor, "dataset_built", version.version, said)


async def note_export(tx: AsyncConnection, pharmacy_id: str, actor: str, version: str, said: Mapping[str, Any]) -> None:
    """Note in the audit trail that rows of a version have been written to files."""
    await audit.append(tx, pharmacy_id, actor, "dataset_exported", version, said)


async def versions(tx: AsyncConnection, pharmacy_id: str, node: str | None = None) -> list[DatasetVersion]:
    """Return the versions, of one node or of all, the newest first."""
    mine = [datasets.c.pharmacy_id == pharmacy_id, *([datasets.c.node == node] if node else [])]
    found = await tx.execute(select(datasets).where(*mine).order_by(datasets.c.at.desc(), datasets.c.number.desc()))
    lost = await _lost(tx, pharmacy_id)
    return [_version(row, lost.get(row.version, {})) for row in found]


async def one_version(tx: AsyncConnection, pharmacy_id: str, version: str) -> DatasetVersion:
    """Return one version.

    Raises:
        NotHere: this pharmacy has no such version.
    """
    mine = (datasets.c.pharmacy_id == pharmacy_id, datasets.c.version == version)
    row = (await tx.execute(select(datasets).where(*mine))).one_or_none()
    if row is None:
        raise NotHere(f"dataset {version!r}: there is none; `kakari dataset show` lists them")
    return _version(row, (await _lost(tx, pharmacy_id)).get(version, {}))


async def rows_of(tx: AsyncConnection, pharmacy_id: str, version: str, splits: Sequence[str] = ()) -> list[DatasetRow]:
    """Return the rows that a version still has, in order; of some splits, or of all."""
    mine = [dataset_rows.c.pharmacy_id == pharmacy_id, dataset_rows.c.version == version]
    mine += [dataset_rows.c.split.in_(splits)] if splits else []
    found = await tx.execute(select(dataset_rows).where(*mine).order_by(dataset_rows.c.place))
    return [DatasetRow(**{name: getattr(row, name) for name in DatasetRow.__annotations__}) for row in found]


async def patient_names(tx: AsyncConnection, pharmacy_id: str) -> dict[str, str]:
    """Return the name of every patient who has given one."""
    name = patients.c.profile["name"].astext
    found = select(patients.c.id, name).where(patients.c.pharmacy_id == pharmacy_id, name.is_not(None))
    return {row[0]: row[1] for row in await tx.execute(found)}


async def _lost(tx: AsyncConnection, pharmacy_id: str) -> dict[str, dict[str, int]]:
    of = (dataset_losses.c.version, dataset_losses.c.split)
    found = select(*of, func.sum(dataset_losses.c.rows)).where(dataset_losses.c.pharmacy_id == pharmacy_id)
    lost: dict[str, dict[str, int]] = {}
    for version, split, rows in await tx.execute(found.group_by(*of)):
        lost.setdefault(version, {})[split] = int(rows)
    return lost


def _version(row: Any, lost: Mapping[str, int]) -> DatasetVersion:
    names = ("version", "node", "number", "rows_hash", "prompt", "manifest", "built_by", "at")
    return DatasetVersion(**{name: getattr(row, name) for name in names}, lost=lost)
