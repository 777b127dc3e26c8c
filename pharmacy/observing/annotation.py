"""The annotation queue: runs that people look at in LangSmith, and what they say of them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from langsmith import Client
from langsmith.utils import LangSmithConflictError, LangSmithError

from pharmacy.observing.feedback import DECISION
from pharmacy.observing.langsmith_client import LangSmith

INSTRUCTIONS = (
    "Kakari: correct what a node got wrong. `classify`: the category it should have been. `switch_phase`: the phase."
    " `generate`: the reply that should have been written. `judge`: whether its marks were right. Names and numbers"
    " are pseudonyms; write no real ones."
)
KEYS = ("classify", "switch_phase", "generate", "judge")
"""The nodes that a reviewer is asked about, each the key of a feedback."""

RUNS_AT_ONCE = 10


@dataclass(frozen=True)
class Reviewed:
    """One thing that a person at LangSmith said of a run or of one of its passages."""

    feedback_id: UUID
    run_id: UUID
    """The run's or the passage's."""

    key: str
    score: float | None
    value: Any
    correction: Any
    comment: str | None
    reviewer: str | None
    """LangSmith's id of the person."""

    changed_at: datetime


@dataclass(frozen=True)
class AnnotationQueue:
    """One pharmacy's queue."""

    langsmith: LangSmith
    pharmacy_id: str

    @property
    def name(self) -> str:
        """What it is called in LangSmith."""
        return f"kakari/{self.pharmacy_id}"

    async def put(self, run_id: UUID, began_at: datetime) -> None:
        """Have people look at a run.

        Raises:
            LangSmithFailed: as `LangSmith.ask`; a trace that has not come yet is a reason too.
        """

        async def work(client: Client) -> None:
            queue_id, project_id = self._made(client), self.langsmith.project_id(client)
            item = {"item_type": "RUN", "run_id": str(run_id), "session_id": project_id, "start_time": began_at}
            await client.annotation_queues.items.create(queue_id, items=[item])  # type: ignore[list-item]

        await self.langsmith.ask(work)

    async def done(self) -> frozenset[UUID]:
        """Return the runs whose review is over.

        Raises:
            LangSmithFailed: as `LangSmith.ask`.
        """

        async def work(client: Client) -> frozenset[UUID]:
            queue_id = self._found(client)
            if queue_id is None:
                return frozenset()
            items = client.annotation_queues.items.list(queue_id, status="archived", item_type="RUN", page_size=100)
            return frozenset([UUID(item.run_id) async for item in items if item.run_id])

        return await self.langsmith.ask(work, seconds=300)

    async def said_of(self, run_ids: Sequence[UUID]) -> list[Reviewed]:
        """Return what people said of the runs and passages in LangSmith; what we told it ourselves is left out.

        Raises:
            LangSmithFailed: as `LangSmith.ask`.
        """
        said: list[Reviewed] = []
        for some in (run_ids[at : at + RUNS_AT_ONCE] for at in range(0, len(run_ids), RUNS_AT_ONCE)):
            said += await self._said_of(some)
        return said

    async def _said_of(self, run_ids: Sequence[UUID]) -> list[Reviewed]:
        async def work(client: Client) -> list[Reviewed]:
            project_id = self.langsmith.project_id(client)
            # The library names no project, without which newer servers find no run.
            listed = client.list_feedback(run_ids=run_ids, session=[project_id])
            return [*_by_people(listed)]

        return await self.langsmith.ask(work, seconds=120)

    def _found(self, client: Client) -> str | None:
        queue = next((each for each in client.list_annotation_queues(name=self.name) if each.name == self.name), None)
        return str(queue.id) if queue else None

    def _made(self, client: Client) -> str:
        """Return the queue's id; made once, under an id that follows from its name, so that two makers make one."""
        if (found := self._found(client)) is not None:
            return found
        queue_id = uuid5(NAMESPACE_URL, self.name)
        for key in KEYS:
            # A rubric names only keys that are defined; one that the workspace defines otherwise stays as it is.
            with suppress(LangSmithError):
                client.create_feedback_config(key, feedback_config={"type": "freeform"})
        try:
            client.create_annotation_queue(
                name=self.name, queue_id=queue_id, rubric_instructions=INSTRUCTIONS,
                rubric_items=[{"feedback_key": key} for key in KEYS],
            )  # fmt: skip
        except LangSmithConflictError:
            if (found := self._found(client)) is None:
                raise
            return found
        return str(queue_id)


def _by_people(listed: Iterable[Any]) -> Iterable[Reviewed]:
    for each in listed:
        source = each.feedback_source
        if each.key == DECISION or each.run_id is None or source is None or source.type == "api":
            continue
        yield Reviewed(
            each.id, each.run_id, each.key, None if each.score is None else float(each.score), each.value,
            each.correction, each.comment, _reviewer(source), each.modified_at or each.created_at,
        )  # fmt: skip


def _reviewer(source: Any) -> str | None:
    found = getattr(source, "user_id", None)
    return None if found is None else str(found)
