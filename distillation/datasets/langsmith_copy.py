"""A version's copy in LangSmith: pushed from our rows, and pulled into a file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmacy.observing.datasets import DatasetExample, Datasets, PulledDataset, Pushed, name_of
from pharmacy.settings import Settings
from pharmacy.storage import datasets, names
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.datasets import DatasetRow, DatasetVersion
from pharmacy.storage.refusals import NotHere

_OUTPUTS = ("target", "rejected", "passes")
_METADATA = ("kind", "weak", "supervised", "preference", "cause", "reason", "category", "phase", "critical",
             "topped_up", "model", "recorded_fingerprint")  # fmt: skip


@dataclass(frozen=True)
class Copied:
    """A version and what pushing it came to."""

    version: DatasetVersion
    pushed: Pushed
    rows: int


async def push(database: Database, settings: Settings, to: Datasets, of: str, actor: str) -> Copied:
    """Have the version in LangSmith, or the newest one of a node; rows that have left it here leave it there too.

    Raises:
        NotHere: there is no such version.
        LangSmithFailed, DatasetDiffers: as `Datasets.push`.
    """
    version, examples = await examples_of(database, settings, of)
    async with database.begin(settings.pharmacy_id) as tx:
        # Before anything leaves: an export that the trail does not tell of would be worse than the reverse.
        told = {"to": "langsmith", "rows": len(examples), "rows_hash": version.rows_hash}
        await datasets.note_export(tx, settings.pharmacy_id, actor, version.version, told)
    pushed = await to.push(name_of(settings.pharmacy_id, version.node), version.version, [*examples.values()])
    return Copied(version, pushed, len(examples))


async def examples_of(
    database: Database, settings: Settings, of: str
) -> tuple[DatasetVersion, dict[int, DatasetExample]]:
    """Return a version, or the newest one of a node, with each of its rows by its place.

    Raises:
        NotHere: there is no such version.
    """
    pharmacy_id = settings.pharmacy_id
    async with database.begin(pharmacy_id) as tx:
        version = await _version(tx, pharmacy_id, of)
        rows = await datasets.rows_of(tx, pharmacy_id, version.version)
        staff = await names.staff_names(tx, pharmacy_id)
        patients = await datasets.patient_names(tx, pharmacy_id)
    return version, {row.place: _example(version, row, (*staff, patients.get(row.patient_id, ""))) for row in rows}


async def pull(
    database: Database, settings: Settings, source: Datasets, of: str, splits: Sequence[str] | None = None
) -> PulledDataset:
    """Return what LangSmith has of the version, or of the newest one of a node that is known here.

    Raises:
        NotHere, LangSmithFailed: as `push`.
    """
    async with database.begin(settings.pharmacy_id) as tx:
        version = await _version(tx, settings.pharmacy_id, of)
    return await source.pull(name_of(settings.pharmacy_id, version.node), version.version, splits)


def write_examples(pulled: PulledDataset, file: Path) -> None:
    """Write the rows as JSON lines, readable by their owner only.

    Raises:
        OSError: the file cannot be written.
    """
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8", newline="\n") as writing:
        for each in pulled.examples:
            row = {"inputs": each.inputs, "reference_outputs": each.reference_outputs, "split": each.split,
                   "metadata": each.metadata, "words": "pseudonyms"}  # fmt: skip
            writing.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")


async def _version(tx: Transaction, pharmacy_id: str, of: str) -> DatasetVersion:
    try:
        return await datasets.one_version(tx, pharmacy_id, of)
    except NotHere:
        if not (found := await datasets.versions(tx, pharmacy_id, of)):
            raise
        return found[0]


def _example(version: DatasetVersion, row: DatasetRow, known_names: Sequence[str]) -> DatasetExample:
    said = row.row
    metadata = {name: said[name] for name in _METADATA if said.get(name) is not None}
    return DatasetExample(
        {"user": said["user"]}, {name: said.get(name) for name in _OUTPUTS}, row.split,
        metadata | {"prompt_fingerprint": version.prompt["fingerprint"]}, tuple(name for name in known_names if name),
    )  # fmt: skip
