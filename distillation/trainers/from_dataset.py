"""Training files of a dataset's version, as `kakari dataset export` writes them: rows to learn and rows to try."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from distillation.datasets.chat_rules import Form
from distillation.datasets.exporting import Wanted, export
from distillation.datasets.splitting import TRAIN, VALIDATION
from distillation.trainers.training_file import TrainingFile, faults_told, read_training_file
from evaluation.trial import version_of
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.database import Database


@dataclass(frozen=True)
class DatasetFiles:
    """What is read of a version; no file of it is left."""

    train: TrainingFile
    validation: TrainingFile | None
    """None where too few rows are there to try."""


async def read_dataset(database: Database, settings: Settings, version: str, node: str, form: Form) -> DatasetFiles:
    """Return the rows of `version`.

    Raises:
        NotHere: there is no such version.
        ConfigError: it is another node's, or its rows cannot be trained from.
    """
    async with database.begin(settings.pharmacy_id) as tx:
        await version_of(tx, settings.pharmacy_id, node, version)
    # Only for as long as they are read: nothing of a patient's stays behind.
    with tempfile.TemporaryDirectory(prefix="kakari-") as folder:
        train = await _exported(database, settings, Wanted(version, Path(folder) / f"{version}.jsonl", form, TRAIN))
        if isinstance(train, str):
            raise ConfigError(f"dataset {version!r}, {TRAIN}: {train}")
        beside = Wanted(version, Path(folder) / f"{version}.validation.jsonl", form, VALIDATION)
        validation = await _exported(database, settings, beside)
    return DatasetFiles(train, None if isinstance(validation, str) else validation)


async def _exported(database: Database, settings: Settings, wanted: Wanted) -> TrainingFile | str:
    """Return the split's file, or why there is none."""
    exported = await export(database, settings, wanted)
    return read_training_file(wanted.file) if exported.is_written else faults_told(exported.checked)
