"""Datasets in LangSmith: a node's version pushed whole with its splits, and pulled back by its tag."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from langsmith import Client
from langsmith.schemas import Dataset, DatasetVersion
from langsmith.utils import LangSmithConflictError, LangSmithNotFoundError

from pharmacy.observing.langsmith_client import LangSmith, Unfit
from pharmacy.redaction.redact import Redactor

CALL_SECONDS = 600.0
AT_ONCE = 500
REMOVED_AT_ONCE = 50
"""Ids of what is removed stand in an address, which must not grow too long."""

SPLIT = "dataset_split"
"""Where LangSmith keeps an example's splits, among its metadata."""


class DatasetDiffers(Unfit):
    """LangSmith has other rows under this version: a version never changes."""


@dataclass(frozen=True)
class DatasetExample:
    """One row, as it may be learnt from."""

    inputs: Mapping[str, Any]
    reference_outputs: Mapping[str, Any]
    split: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    known_names: tuple[str, ...] = field(default=(), compare=False)
    """Names that the records know for it; they are looked for, and none of them leaves."""


@dataclass(frozen=True)
class Pushed:
    """What a push came to."""

    name: str
    version: str
    content: str
    """SHA-256 over all rows as they left."""

    added: int
    removed: int
    """Rows of an earlier version, which that version keeps; or rows that have left this one, and are gone for good."""


@dataclass(frozen=True)
class PulledDataset:
    """A version as LangSmith has it. Its words are pseudonyms where names stood."""

    name: str
    version: str
    examples: tuple[DatasetExample, ...]
    content: str


def name_of(pharmacy_id: str, node: str) -> str:
    """Return what a node's dataset is called in LangSmith."""
    return f"kakari/{pharmacy_id}/{node}"


@dataclass(frozen=True)
class Datasets:
    """Pushes and pulls whole versions."""

    langsmith: LangSmith
    redactor: Redactor

    async def push(self, name: str, version: str, examples: Sequence[DatasetExample]) -> Pushed:
        """Have the version in LangSmith, redacted; pushed again, or after a push that broke off, it is there once.

        Pushed again after rows have left it, as those of erased patients do, it loses them in LangSmith too.

        Raises:
            ConfigError: no key is set.
            LangSmithFailed: LangSmith could not take all of it; pushed again, it goes on where it broke off.
            DatasetDiffers: the version is there with other rows.
            Unfit: the version is no tag, or has no rows.
        """
        if version == "latest" or version.startswith(_CONTENT):
            raise Unfit(f"{name}: {version!r} is a tag that stands for something else; expected a version's own name")
        rows = [_redacted(each, self.redactor) for each in examples]
        content = content_of(rows)
        return await self.langsmith.ask(lambda client: _push(client, name, version, rows, content), CALL_SECONDS)

    async def pull(self, name: str, version: str = "latest", splits: Sequence[str] | None = None) -> PulledDataset:
        """Return the version, or some of its splits.

        Raises:
            ConfigError: no key is set.
            LangSmithFailed: LangSmith could not be read, or has no such dataset or version.
        """

        async def work(client: Client) -> PulledDataset:
            dataset = _read(client, name)
            client.read_dataset_version(dataset_id=dataset.id, tag=version)
            listed = client.list_examples(dataset_id=dataset.id, as_of=version, splits=splits)
            examples = tuple(_example(each) for each in listed)
            return PulledDataset(name, version, examples, content_of(examples))

        return await self.langsmith.ask(work, CALL_SECONDS)


def ids_of(name: str, version: str, examples: Sequence[DatasetExample], redactor: Redactor) -> list[UUID]:
    """Return the id that each row of a version has in LangSmith, in the order of `examples`, which are all of them."""
    rows = [_redacted(each, redactor) for each in examples]
    return [*_by_id(name, version, rows)]


def content_of(examples: Sequence[DatasetExample]) -> str:
    """Return the SHA-256 of the rows, whatever their order."""
    return hashlib.sha256("\n".join(sorted(_row_hash(each) for each in examples)).encode()).hexdigest()


_CONTENT = "content-"


async def _push(client: Client, name: str, version: str, rows: Sequence[DatasetExample], content: str) -> Pushed:
    dataset, tag = _dataset(client, name), f"{_CONTENT}{content[:24]}"
    # An id follows from version and row; a push that broke off finds what it has left there already.
    wanted = _by_id(name, version, rows)
    if (there := _tagged(client, dataset, version)) is not None:
        gone = [] if tag in (there.tags or []) else _left(client, dataset, there, version, wanted)
        for some in _parts(gone, REMOVED_AT_ONCE):
            client.delete_examples(some, hard_delete=True)
        if gone:
            client.update_dataset_tag(dataset_id=dataset.id, as_of=there.as_of, tag=tag)
        return Pushed(name, version, content, 0, len(gone))
    if not rows:
        raise Unfit(f"{name}: version {version!r} has no rows; there is nothing to push")
    present = {each.id for each in client.list_examples(dataset_id=dataset.id)} if _has_rows(client, dataset) else set()
    added, removed = [each for each in wanted if each not in present], sorted(present - wanted.keys())
    for some in _parts(added, AT_ONCE):
        client.create_examples(dataset_id=dataset.id, examples=[_upload(each, wanted[each]) for each in some])
    for older in _parts(removed, REMOVED_AT_ONCE):
        client.delete_examples(older)
    newest = client.read_dataset_version(dataset_id=dataset.id, tag="latest")
    # The content first: a version's own tag is put on only when all of it is there.
    for each in (tag, version):
        client.update_dataset_tag(dataset_id=dataset.id, as_of=newest.as_of, tag=each)
    return Pushed(name, version, content, len(added), len(removed))


def _dataset(client: Client, name: str) -> Dataset:
    with suppress(LangSmithNotFoundError):
        return _read(client, name)
    with suppress(LangSmithConflictError):  # somebody else was quicker
        client.create_dataset(name)
    return _read(client, name)


def _read(client: Client, name: str) -> Dataset:
    found: Dataset = client.read_dataset(dataset_name=name)
    return found


def _tagged(client: Client, dataset: Dataset, tag: str) -> DatasetVersion | None:
    versions = client.list_dataset_versions(dataset_id=dataset.id)
    return next((each for each in versions if tag in (each.tags or [])), None)


def _left(
    client: Client, dataset: Dataset, there: DatasetVersion, version: str, wanted: Mapping[UUID, DatasetExample]
) -> list[UUID]:
    """Return the rows that have left the version here since it was pushed, as those of erased patients do.

    Raises:
        DatasetDiffers: the difference is another one.
    """
    present = {each.id for each in client.list_examples(dataset_id=dataset.id, as_of=there.as_of)}
    if wanted.keys() - present:
        raise DatasetDiffers(f"{dataset.name}: version {version!r} is in LangSmith with other rows, and never changes")
    return sorted(present - wanted.keys())


def _has_rows(client: Client, dataset: Dataset) -> bool:
    return next(iter(client.list_dataset_versions(dataset_id=dataset.id, limit=1)), None) is not None


def _redacted(example: DatasetExample, redactor: Redactor) -> DatasetExample:
    redaction = redactor.conversation(example.known_names)
    said = redaction.value(
        {"inputs": example.inputs, "outputs": example.reference_outputs, "metadata": example.metadata}
    )
    # A text that cannot be read is withheld whole, and then there is nothing to learn from.
    if not isinstance(said, dict) or not all(isinstance(each, dict) for each in said.values()):
        raise ValueError("a row cannot be read for redaction; expected JSON objects")
    return DatasetExample(said["inputs"], said["outputs"], redaction.text(example.split), said["metadata"])


def _upload(number: UUID, row: DatasetExample) -> dict[str, Any]:
    return {"id": number, "inputs": dict(row.inputs), "reference_outputs": dict(row.reference_outputs),
            "split": row.split, "metadata": dict(row.metadata)}  # fmt: skip


def _example(listed: Any) -> DatasetExample:
    metadata = dict(listed.metadata or {})
    split = metadata.pop(SPLIT, None) or ["base"]
    return DatasetExample(
        listed.inputs or {}, listed.outputs or {}, split if isinstance(split, str) else split[0], metadata
    )


def _by_id(name: str, version: str, rows: Sequence[DatasetExample]) -> dict[UUID, DatasetExample]:
    """Return each row by the id that it has in LangSmith; rows that are alike are told apart by counting them."""
    seen: Counter[str] = Counter()
    wanted = {}
    for row in rows:
        said = _row_hash(row)
        wanted[uuid5(NAMESPACE_URL, f"{name}/{version}/{said}/{seen[said]}")] = row
        seen[said] += 1
    return wanted


def _row_hash(row: DatasetExample) -> str:
    said = [row.inputs, row.reference_outputs, row.split, row.metadata]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _parts(these: Sequence[UUID], size: int) -> list[Sequence[UUID]]:
    return [these[at : at + size] for at in range(0, len(these), size)]
