"""Datasets as LangSmith keeps them: examples with splits, every state of them by its time, and tags on states."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.fakes.langsmith_server.asked import Asked, Refused, as_id
from tests.fakes.langsmith_server.parts import Unreadable, read_examples


@dataclass
class Kept:
    """One dataset."""

    row: dict[str, Any]
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Every example that there ever was, with `added_at` and perhaps `removed_at`."""

    versions: list[datetime] = field(default_factory=list)
    tags: dict[str, datetime] = field(default_factory=dict)

    def changed(self) -> datetime:
        """Note a new state, and return its time."""
        now = datetime.now(UTC)
        at = max(now, self.versions[-1] + timedelta(microseconds=1)) if self.versions else now
        self.versions.append(at)
        self.tags["latest"] = at
        return at

    def when(self, as_of: str | None) -> datetime:
        """Return the time of a tag, or of a time's own words."""
        told = as_of or "latest"
        if told in self.tags:
            return self.tags[told]
        try:
            return datetime.fromisoformat(told)
        except ValueError as error:
            raise Refused(404, f"no version {told!r}", expected=True) from error

    def standing(self, at: datetime) -> list[dict[str, Any]]:
        """Return the examples that stood at that time."""
        return [
            each
            for each in self.examples.values()
            if each["added_at"] <= at and (each.get("removed_at") is None or each["removed_at"] > at)
        ]


@dataclass
class DatasetDesk:
    """Every dataset."""

    kept: dict[str, Kept] = field(default_factory=dict)
    uploads: int = 0

    def create(self, asked: Asked) -> Any:
        """Make a dataset; a name is taken once."""
        given = asked.told({"name", "description", "data_type", "transformations", "extra", "tag_value_ids"})
        if any(each.row["name"] == given["name"] for each in self.kept.values()):
            raise Refused(409, f"dataset {given['name']!r} is there", expected=True)
        row = {"id": str(uuid4()), "created_at": datetime.now(UTC).isoformat(), **given}
        self.kept[row["id"]] = Kept(row | {"metadata": given["extra"]["metadata"]})
        return self.kept[row["id"]].row

    def listed(self, asked: Asked) -> Any:
        """List datasets by name."""
        name = asked.one("name")
        return [each.row for each in self.kept.values() if name in (None, each.row["name"])][asked.page()]

    def add(self, dataset_id: str, asked: Asked) -> Any:
        """Take examples, all or none."""
        dataset = self.of(dataset_id)
        try:
            given = read_examples(asked.headers.get("content-type", ""), asked.body)
        except Unreadable as error:
            raise Refused(422, str(error)) from error
        if again := [each for each in given if each in dataset.examples]:
            raise Refused(409, f"examples {again} are there, or were")
        at = dataset.changed()
        self.uploads += len(given)
        for number, told in given.items():
            split = told.pop("split", None) or "base"
            splits = [split] if isinstance(split, str) else split
            metadata = (told.pop("metadata", None) or {}) | {"dataset_split": splits}
            dataset.examples[number] = told | {"id": number, "dataset_id": dataset_id, "metadata": metadata,
                                               "added_at": at}  # fmt: skip
        return {"example_ids": [*given], "count": len(given), "as_of": at.isoformat()}

    def remove(self, asked: Asked) -> Any:
        """Let go of examples; states before still have them."""
        wanted = [as_id(each, "example_ids") for each in asked.query.get("example_ids", [])]
        for dataset in self.kept.values():
            mine = [each for each in wanted if each in dataset.examples]
            at = dataset.changed() if mine else None
            for each in mine:
                dataset.examples[each]["removed_at"] = at
        return {}

    def delete(self, asked: Asked) -> Any:
        """Delete examples for good: no state has them any more."""
        given = asked.told({"example_ids", "hard_delete"})
        for dataset in self.kept.values():
            for each in given["example_ids"]:
                dataset.examples.pop(as_id(each, "example_ids"), None)
        return {}

    def examples(self, asked: Asked) -> Any:
        """List the examples of a state, of some splits where they are named."""
        dataset = self.of(asked.one("dataset") or "")
        found = dataset.standing(dataset.when(asked.one("as_of"))) if dataset.versions else []
        if splits := asked.query.get("splits"):
            found = [each for each in found if set(splits) & set(each["metadata"]["dataset_split"])]
        hidden = ("added_at", "removed_at")
        return [{name: each[name] for name in each if name not in hidden} for each in found[asked.page()]]

    def versions(self, dataset_id: str, asked: Asked) -> Any:
        """List the states, the newest first."""
        dataset = self.of(dataset_id)
        return [_version(dataset, at) for at in reversed(dataset.versions)][asked.page()]

    def version(self, dataset_id: str, asked: Asked) -> Any:
        """Return one state by tag or time."""
        dataset = self.of(dataset_id)
        at = dataset.when(asked.one("tag") or asked.one("as_of"))
        earlier = [each for each in dataset.versions if each <= at]
        if not earlier:
            raise Refused(404, "the dataset has no version", expected=True)
        return _version(dataset, earlier[-1])

    def tag(self, dataset_id: str, asked: Asked) -> Any:
        """Put a tag on a state; it must be the state's exact time."""
        dataset, given = self.of(dataset_id), asked.told({"as_of", "tag"})
        at = datetime.fromisoformat(given["as_of"])
        if at not in dataset.versions:
            raise Refused(404, f"no version at {given['as_of']}")
        dataset.tags[given["tag"]] = at
        return {}

    def splits(self, dataset_id: str, asked: Asked) -> Any:
        """Return the names of the splits of a state."""
        dataset = self.of(dataset_id)
        found = dataset.standing(dataset.when(asked.one("as_of")))
        return sorted({split for each in found for split in each["metadata"]["dataset_split"]})

    def of(self, dataset_id: str) -> Kept:
        """Return one dataset."""
        if dataset_id not in self.kept:
            raise Refused(404, f"dataset {dataset_id!r} is not there")
        return self.kept[dataset_id]


def _version(dataset: Kept, at: datetime) -> dict[str, Any]:
    return {"as_of": at.isoformat(), "tags": sorted(tag for tag, when in dataset.tags.items() if when == at)}
