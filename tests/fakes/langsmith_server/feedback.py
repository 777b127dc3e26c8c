"""Feedback as LangSmith takes and lists it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.langsmith_server.asked import Asked, Refused, as_id

ALLOWED = {
    "id", "run_id", "trace_id", "key", "score", "value", "correction", "comment", "feedback_source", "created_at",
    "modified_at", "feedback_config", "session_id", "start_time", "comparative_experiment_id", "feedback_group_id",
    "extra", "error", "extend_trace_retention",
}  # fmt: skip


@dataclass
class FeedbackDesk:
    """Every feedback by its id; the same id again takes the earlier one's place."""

    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: int = 0

    def create(self, asked: Asked, runs: dict[str, dict[str, Any]], project_of: dict[str, str]) -> Any:
        """Take one; as on a server that has only SmithDB, nothing is found without its project."""
        given = asked.told(ALLOWED)
        run_id = as_id(given.get("run_id"), "run_id")
        if not given.get("session_id"):
            raise Refused(422, "feedback without session_id")
        if not given.get("key"):
            raise Refused(422, "feedback without key")
        score = given.get("score")
        if score is not None and not isinstance(score, int | float):
            raise Refused(422, f"score {score!r}")
        run = runs.get(run_id)
        if run is None:
            raise Refused(404, f"run {run_id} is not there", expected=True)
        if project_of.get(run["session_name"]) != given["session_id"]:
            raise Refused(404, f"run {run_id} is not in project {given['session_id']}")
        if given.get("trace_id") not in (None, run["trace_id"]):
            raise Refused(422, f"trace {given['trace_id']} is not the run's")
        self.posts += 1
        now = datetime.now(UTC).isoformat()
        self.taken[as_id(given.get("id"), "id")] = {"created_at": now, "modified_at": now} | given
        return given

    def review(self, run_id: str, session_id: str, key: str, **more: Any) -> str:
        """Have a person at LangSmith say something of a run; return the feedback's id."""
        number = as_id(f"{len(self.taken) + 1:032x}", "id")
        now = datetime.now(UTC).isoformat()
        source = {"type": "app", "user_id": "5f1d6a1e-0000-4000-8000-0000000000aa", "metadata": {}}
        said = {"id": number, "run_id": run_id, "trace_id": None, "session_id": session_id, "key": key, "score": None,
                "value": None, "comment": None, "correction": None}  # fmt: skip
        self.taken[number] = said | {"created_at": now, "modified_at": now, "feedback_source": source} | more
        return number

    def listed(self, asked: Asked) -> Any:
        """List those of the runs that are asked for."""
        runs, sessions = asked.query.get("run", []), asked.query.get("session", [])
        if not sessions:
            raise Refused(422, "feedback is listed without session")
        keys = asked.query.get("key")
        found = [
            each
            for each in self.taken.values()
            if each["run_id"] in runs and each["session_id"] in sessions and (not keys or each["key"] in keys)
        ]
        return found[asked.page()]
