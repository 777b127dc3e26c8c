"""Annotation queues as LangSmith keeps them; the routes that end in January 2027 are not there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.fakes.langsmith_server.asked import Asked, Refused, as_id

TENANT = "11111111-1111-4111-8111-111111111111"
STATUSES = ("needs_my_review", "needs_others_review", "archived")


@dataclass
class QueueDesk:
    """Every queue with its items."""

    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Queue to run to its item."""

    configs: dict[str, Any] = field(default_factory=dict)
    """What each feedback's key means; a rubric names no other."""

    page_size: int = 2

    def define(self, asked: Asked) -> Any:
        """Say what a key means; the same again is no change."""
        given = asked.told({"feedback_key", "feedback_config", "is_enforced"})
        if self.configs.setdefault(given["feedback_key"], given) != given:
            raise Refused(400, "Feedback config already exists", expected=True)
        return given | {"tenant_id": TENANT, "modified_at": datetime.now(UTC).isoformat()}

    def create(self, asked: Asked) -> Any:
        """Make a queue; two may have one name, as at LangSmith."""
        given = asked.told({"name", "description", "id", "rubric_instructions", "rubric_items"})
        if not given.get("name"):
            raise Refused(422, "a queue without name")
        if odd := [each for each in given.get("rubric_items", []) if each["feedback_key"] not in self.configs]:
            raise Refused(422, f"rubric items {odd} have no feedback config")
        queue_id = as_id(given.get("id"), "id")
        if queue_id in self.queues:
            raise Refused(409, f"queue {queue_id} is there", expected=True)
        self.queues[queue_id] = given | {"tenant_id": TENANT, "created_at": datetime.now(UTC).isoformat()}
        self.items[queue_id] = {}
        return self.queues[queue_id]

    def listed(self, asked: Asked) -> Any:
        """List queues by name."""
        name = asked.one("name")
        found = [queue for queue in self.queues.values() if name in (None, queue["name"])]
        return found[asked.page()]

    def add(self, queue_id: str, asked: Asked, runs: dict[str, dict[str, Any]], project_of: dict[str, str]) -> Any:
        """Add runs; each has its project and its begin, by which alone it is found."""
        mine = self._of(queue_id)
        added = []
        for item in asked.told({"items"})["items"]:
            if item.get("item_type") != "RUN" or set(item) - {"item_type", "run_id", "session_id", "start_time"}:
                raise Refused(422, f"item {item!r}")
            run = runs.get(as_id(item.get("run_id"), "run_id"))
            if run is None:
                raise Refused(404, f"run {item['run_id']} is not there", expected=True)
            if project_of.get(run["session_name"]) != item.get("session_id"):
                raise Refused(404, f"run {item['run_id']} is not in project {item.get('session_id')}")
            if _time(item.get("start_time")) != _time(run["start_time"]):
                raise Refused(404, f"run {item['run_id']} does not begin at {item.get('start_time')!r}")
            row = {"id": str(uuid4()), "queue_id": queue_id, "item_type": "RUN", "run_id": item["run_id"],
                   "project_id": item["session_id"], "start_time": item["start_time"], "last_reviewed_time": None,
                   "added_at": datetime.now(UTC).isoformat(), "status": "needs_my_review"}  # fmt: skip
            added.append(mine.setdefault(item["run_id"], row))
        return {"items": added}

    def page(self, queue_id: str, asked: Asked) -> Any:
        """List a section's items, a few at a time."""
        if (status := asked.one("status")) not in STATUSES:
            raise Refused(422, f"status {status!r}")
        found = [item for item in self._of(queue_id).values() if item["status"] == status]
        at = int(asked.one("cursor", "0") or 0)
        further = at + self.page_size
        return {"items": found[at:further], "next_cursor": str(further) if further < len(found) else None}

    def archive(self, run_id: str) -> None:
        """Have a person at LangSmith be done with a run."""
        for items in self.items.values():
            if run_id in items:
                items[run_id] |= {"status": "archived", "last_reviewed_time": datetime.now(UTC).isoformat()}

    def _of(self, queue_id: str) -> dict[str, dict[str, Any]]:
        if queue_id not in self.items:
            raise Refused(404, f"queue {queue_id} is not there")
        return self.items[queue_id]


def _time(written: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(written))
    except ValueError as error:
        raise Refused(422, f"start_time {written!r}") from error
