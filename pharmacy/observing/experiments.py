"""Evaluations in LangSmith: each candidate's answers as one experiment on the dataset that it was asked from."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from langsmith import Client
from langsmith.schemas import Dataset
from langsmith.utils import LangSmithConflictError, LangSmithNotFoundError

from pharmacy.observing.datasets import CALL_SECONDS, DatasetExample, ids_of
from pharmacy.observing.langsmith_client import LangSmith, Unfit
from pharmacy.observing.tracing import dot
from pharmacy.redaction.redact import Redactor

AT_ONCE = 100
ATTEMPTS = 5
"""A run is taken in a moment after it was sent; until then nothing can be said of it."""


@dataclass(frozen=True)
class Answered:
    """What a candidate made of one row."""

    example: DatasetExample
    """The row, as its dataset was pushed from."""

    outputs: Mapping[str, Any] | None
    """None where no readable answer came."""

    scores: Mapping[str, float]
    """Measure to 0 or 1."""

    seconds: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Experiment:
    """One candidate's answers."""

    name: str
    """Unlike any other's in the workspace."""

    dataset: str
    version: str
    metric: str
    """The measure that is told as feedback on each run; all of them stand in its metadata."""

    began_at: datetime
    answers: Sequence[Answered]
    rows: Sequence[DatasetExample]
    """Every row of the version, as it was pushed: what tells rows that are alike apart."""

    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiments:
    """Pushes whole experiments, redacted."""

    langsmith: LangSmith
    redactor: Redactor

    async def push(self, experiment: Experiment) -> int:
        """Have the experiment in LangSmith; pushed again it is there once. Return how many runs it has.

        Raises:
            ConfigError: no key is set.
            LangSmithFailed: LangSmith could not take all of it; pushed again, it goes on.
            Unfit: the dataset's version is not in LangSmith.
        """
        ids = dict(zip(map(id, experiment.rows), ids_of(
            experiment.dataset, experiment.version, experiment.rows, self.redactor), strict=True))  # fmt: skip
        runs = [self._run(experiment, each, ids[id(each.example)]) for each in experiment.answers]
        return await self.langsmith.ask(lambda client: _push(client, experiment, runs), CALL_SECONDS)

    def _run(self, of: Experiment, answered: Answered, example_id: UUID) -> dict[str, Any]:
        number = uuid5(NAMESPACE_URL, f"{of.name}/{example_id}")
        redaction = self.redactor.conversation(answered.example.known_names)
        metadata = {**answered.metadata, "scores": dict(answered.scores)}
        ended = of.began_at + timedelta(seconds=answered.seconds)
        return {
            "id": str(number), "trace_id": str(number), "dotted_order": dot(of.began_at, number),
            "session_name": of.name, "name": of.metadata.get("node", "answer"), "run_type": "chain",
            "inputs": redaction.value(dict(answered.example.inputs)),
            "outputs": redaction.value(dict(answered.outputs)) if answered.outputs is not None else None,
            "start_time": of.began_at.isoformat(), "end_time": ended.isoformat(), "error": answered.error,
            "reference_example_id": str(example_id), "extra": {"metadata": redaction.value(metadata)},
        }  # fmt: skip


async def _push(client: Client, of: Experiment, runs: Sequence[dict[str, Any]]) -> int:
    dataset = _pushed(client, of)
    with suppress(LangSmithConflictError):  # begun by a push that broke off
        client.create_project(of.name, reference_dataset_id=dataset.id, metadata=dict(of.metadata))
    project = client.read_project(project_name=of.name)
    for at in range(0, len(runs), AT_ONCE):
        client.multipart_ingest(create=[dict(run) for run in runs[at : at + AT_ONCE]])
    for run in runs:
        score = run["extra"]["metadata"]["scores"].get(of.metric)
        if score is not None:
            client.create_feedback(
                run["id"], of.metric, score=score, trace_id=run["trace_id"], session_id=project.id,
                feedback_id=uuid5(NAMESPACE_URL, f"{run['id']}/{of.metric}"), stop_after_attempt=ATTEMPTS,
            )  # fmt: skip
    return len(runs)


def _pushed(client: Client, of: Experiment) -> Dataset:
    with suppress(LangSmithNotFoundError):
        dataset: Dataset = client.read_dataset(dataset_name=of.dataset)
        if any(of.version in (each.tags or []) for each in client.list_dataset_versions(dataset_id=dataset.id)):
            return dataset
    raise Unfit(f"{of.dataset}: version {of.version!r} is not in LangSmith; push it first: kakari dataset push")
