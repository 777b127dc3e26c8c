"""Write a version's rows as OpenAI's chat JSONL, a manifest beside it: whole or not at all, and always the same."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillation.datasets.chat_file import BASE, CheckedFile, check_file
from distillation.datasets.chat_rules import Form
from distillation.datasets.splitting import TRAIN
from pharmacy.settings import Settings
from pharmacy.storage import datasets
from pharmacy.storage.database import Database
from pharmacy.storage.datasets import DatasetRow, DatasetVersion

MANIFEST = ".manifest.json"
_ESCAPED = {ord(end): f"\\u{ord(end):04x}" for end in "\u2028\u2029\x85"}
"""Line ends to some readers; inside a JSON text they may be written so."""


@dataclass(frozen=True)
class Wanted:
    """What is to be written, and where."""

    version: str
    file: Path
    form: Form = "supervised"
    split: str = TRAIN
    models: Sequence[str] = (BASE,)
    """Each row must fit into the context of each."""

    actor: str = "command line"


@dataclass(frozen=True)
class Exported:
    """What was written, or why nothing was."""

    checked: CheckedFile
    """Of the file as it is, or would have been."""

    manifest: Mapping[str, Any]

    @property
    def is_written(self) -> bool:
        """Whether the file is there."""
        return self.checked.is_good


async def export(database: Database, settings: Settings, wanted: Wanted) -> Exported:
    """Write the rows, unless one of them breaks a documented rule; nothing is written then.

    Raises:
        NotHere: there is no such version.
        OSError: the file cannot be written; whatever stood there still does.
    """
    async with database.begin(settings.pharmacy_id) as tx:
        version = await datasets.one_version(tx, settings.pharmacy_id, wanted.version)
        rows = await datasets.rows_of(tx, settings.pharmacy_id, wanted.version, [wanted.split])
    lines = [line_of(version.prompt["system"], row.row, wanted.form) for row in rows if _fits(row, wanted.form)]
    with ExitStack() as undo:
        beside = _written_beside(wanted.file, "".join(f"{line}\n" for line in lines), undo)
        checked = check_file(beside, wanted.models)
        checked.path = wanted.file
        said = _manifest(version, wanted, checked, rows)
        if not checked.is_good:
            return Exported(checked, said)
        told = json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        manifest_beside = _written_beside(manifest_of(wanted.file), told, undo)
        async with database.begin(settings.pharmacy_id) as tx:
            # Before the files are there: an export that the trail does not tell of would be worse than the reverse.
            of = {"format": wanted.form, "split": wanted.split, "rows": checked.rows, "sha256": checked.sha256}
            await datasets.note_export(tx, settings.pharmacy_id, wanted.actor, wanted.version, of)
        beside.replace(wanted.file)
        manifest_beside.replace(manifest_of(wanted.file))
    return Exported(checked, said)


def line_of(system: str, row: Mapping[str, Any], form: Form) -> str:
    """Return a row as one line of JSONL."""
    asked = [_message("system", system), _message("user", row["user"])]
    target = _message("assistant", row["target"])
    value: dict[str, Any] = {"messages": [*asked, target]}
    if form == "preference":
        worse = _message("assistant", row["rejected"])
        value = {"input": {"messages": asked}, "preferred_output": [target], "non_preferred_output": [worse]}
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)


def manifest_of(file: Path) -> Path:
    """Return where the manifest of `file` stands."""
    return file.with_name(file.name + MANIFEST)


def _fits(row: DatasetRow, form: Form) -> bool:
    return bool(row.row[form])


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _manifest(
    version: DatasetVersion, wanted: Wanted, checked: CheckedFile, rows: Iterable[DatasetRow]
) -> dict[str, Any]:
    return {
        "dataset": version.version,
        "dataset_rows_hash": version.rows_hash,
        "dataset_manifest": version.manifest,
        "built_at": version.at.isoformat(),
        "lost": version.lost,
        "format": wanted.form,
        "split": wanted.split,
        "file": wanted.file.name,
        "sha256": checked.sha256,
        "bytes": checked.bytes,
        "rows": checked.rows,
        "not_of_this_format": sum(not _fits(row, wanted.form) for row in rows),
        "tokens": checked.tokens,
        "longest_tokens": checked.longest_tokens,
        "models": [*wanted.models],
    }


def _written_beside(file: Path, words: str, undo: ExitStack) -> Path:
    """Return a file of `words` in the folder of `file`, on disk and readable by its owner only; `undo` removes it."""
    place, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    undo.callback(lambda: Path(name).unlink(missing_ok=True))
    with os.fdopen(place, "w", encoding="utf-8", newline="\n") as writing:
        writing.write(words)
        writing.flush()
        os.fsync(writing.fileno())
    return Path(name)
