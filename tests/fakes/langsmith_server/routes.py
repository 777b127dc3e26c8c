"""Which request is answered by what; the routes that LangSmith ends in January 2027 have ended here."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from tests.fakes.langsmith_server.asked import Asked, Refused
from tests.fakes.langsmith_server.datasets import DatasetDesk
from tests.fakes.langsmith_server.feedback import FeedbackDesk
from tests.fakes.langsmith_server.parts import Unreadable, faults_of, read_runs
from tests.fakes.langsmith_server.queues import TENANT, QueueDesk

INFO = {
    "version": "0.16.20",
    "instance_flags": {"zstd_compression_enabled": True, "dataset_examples_multipart_enabled": True,
                       "ch_query_enabled": False, "sdb_query_enabled": True},
    "batch_ingest_config": {"use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20_971_520},
}  # fmt: skip
ID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
ENDED = re.compile(rf"(POST /runs/query|GET /runs/{ID}|\w+ /runs/{ID}/share|\w+ /annotation-queues/{ID}/runs?\b.*)")
PROJECTS = UUID("6f1a1a8e-4f4e-4a0e-9d39-0d8d27a1c0de")

Answer = tuple[int, Any]


@dataclass
class Platform:
    """What LangSmith keeps."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    feedback: FeedbackDesk = field(default_factory=FeedbackDesk)
    queues: QueueDesk = field(default_factory=QueueDesk)
    datasets: DatasetDesk = field(default_factory=DatasetDesk)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Projects that were made for a dataset, by name."""

    @property
    def projects(self) -> dict[str, str]:
        """Each project's name and id; one that was not made begins with its first run."""
        names = {run["session_name"] for run in self.runs.values()} | self.experiments.keys()
        return {name: str(uuid5(PROJECTS, name)) for name in names}

    def answer(self, asked: Asked) -> Answer:
        """Return status and value.

        Raises:
            Refused: LangSmith would not take it.
        """
        named = f"{asked.method} {asked.path}"
        if ENDED.fullmatch(named):
            raise Refused(410, f"{named} ended on 2027-01-31")
        for pattern, status, work in self._routes():
            if found := re.fullmatch(pattern, named):
                return status, work(asked, *found.groups())
        raise Refused(404, named)

    def _routes(self) -> list[tuple[str, int, Callable[..., Any]]]:
        queues, datasets, feedback = self.queues, self.datasets, self.feedback
        items = rf"/api/v1/platform/annotation-queues/{ID}/items"
        return [
            ("POST /runs/multipart", 202, self._ingest),
            ("GET /sessions", 200, self._projects),
            ("POST /sessions", 200, self._begin_experiment),
            ("POST /feedback", 200, lambda asked: feedback.create(asked, self.runs, self.projects)),
            ("GET /feedback", 200, feedback.listed),
            ("POST /feedback-configs", 200, queues.define),
            ("POST /annotation-queues", 200, queues.create),
            ("GET /annotation-queues", 200, queues.listed),
            (f"POST {items}", 200, lambda asked, queue: queues.add(queue, asked, self.runs, self.projects)),
            (f"GET {items}", 200, lambda asked, queue: queues.page(queue, asked)),
            ("POST /datasets", 200, datasets.create),
            ("GET /datasets", 200, datasets.listed),
            (f"GET /datasets/{ID}", 200, lambda _, number: datasets.of(number).row),
            (f"GET /datasets/{ID}/versions", 200, lambda asked, number: datasets.versions(number, asked)),
            (f"GET /datasets/{ID}/version", 200, lambda asked, number: datasets.version(number, asked)),
            (f"PUT /datasets/{ID}/tags", 200, lambda asked, number: datasets.tag(number, asked)),
            (f"GET /datasets/{ID}/splits", 200, lambda asked, number: datasets.splits(number, asked)),
            (f"POST /v1/platform/datasets/{ID}/examples", 200, lambda asked, number: datasets.add(number, asked)),
            ("POST /v1/platform/datasets/examples/delete", 200, datasets.delete),
            ("GET /examples", 200, datasets.examples),
            ("DELETE /examples", 200, datasets.remove),
        ]

    def _ingest(self, asked: Asked) -> Any:
        try:
            runs = read_runs(asked.headers.get("content-type", ""), asked.body)
        except Unreadable as error:
            raise Refused(422, str(error)) from error
        for run_id, run in runs.items():
            if faults := [*faults_of(run), *self._misplaced(run)]:
                raise Refused(422, f"run {run_id}: {faults}")
        self.runs |= runs
        return {"message": "Runs batch ingested"}

    def _misplaced(self, run: dict[str, Any]) -> list[str]:
        """Return what is wrong with where a run says that it belongs: an experiment's runs are of its dataset."""
        made, example = self.experiments.get(run.get("session_name", "")), run.get("reference_example_id")
        if made is None:
            return ["reference_example_id outside an experiment"] if example else []
        known = self.datasets.kept[made["reference_dataset_id"]].examples
        return [] if example in known else [f"example {example} is none of the experiment's dataset"]

    def _begin_experiment(self, asked: Asked) -> Any:
        given = asked.told({"id", "name", "description", "reference_dataset_id", "extra", "num_examples",
                            "num_repetitions", "evaluator_keys", "tag_value_ids"})  # fmt: skip
        if given["name"] in self.projects:
            raise Refused(409, f"project {given['name']!r} is there", expected=True)
        if given.get("reference_dataset_id") not in self.datasets.kept:
            raise Refused(404, f"no dataset {given.get('reference_dataset_id')}")
        self.experiments[given["name"]] = given
        made = {"id": self.projects[given["name"]], "tenant_id": TENANT, "start_time": datetime.now(UTC).isoformat()}
        return made | {"name": given["name"], "reference_dataset_id": given["reference_dataset_id"]}

    def _projects(self, asked: Asked) -> Any:
        name = asked.one("name")
        rows = [
            {
                "id": number,
                "name": each,
                "tenant_id": TENANT,
                "reference_dataset_id": self.experiments.get(each, {}).get("reference_dataset_id"),
            }
            for each, number in self.projects.items()
            if name in (None, each)
        ]
        return rows[asked.page()]


def as_json(value: Any) -> bytes:
    """Return the body of an answer."""
    return json.dumps(value, default=str).encode()
