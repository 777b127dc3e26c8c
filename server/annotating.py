"""What somebody says of a run that they look at again in the console: labels of its nodes, as those of LangSmith."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pharmacy.domain.flow import Flow
from pharmacy.storage import annotating, annotation_queue, audit
from pharmacy.storage.access import Caller
from pharmacy.storage.annotating import Label
from pharmacy.storage.annotation_queue import Item, Seen
from pharmacy.storage.refusals import Conflict
from server.errors import Refused
from server.program import Program

RIGHT = 1.0
"""The score of an answer that is let stand."""

JUDGE, GENERATE = "judge", "generate"


@dataclass(frozen=True)
class Said:
    """What somebody says."""

    category: str | None = None
    """None where nothing is said of it, and likewise the others."""

    phase: str | None = None
    reply: str | None = None
    marks: dict[str, int] = field(default_factory=dict)
    comment: str | None = None


async def label(program: Program, by: Caller, run_id: UUID, said: Said) -> int:
    """Keep what is said of each node, and be done with the run; return how many labels that gives.

    Raises:
        Refused: category, phase or marks are none of the flow's.
        Conflict: somebody else has reserved the run, or is done with it.
        NotHere: it is not in this pharmacy's queue.
    """
    _refuse_unknown(program.assembled.flow, said)
    async with program.database.begin(by.pharmacy_id) as tx:
        item = await annotation_queue.reserve(tx, by.pharmacy_id, by.actor, run_id)
        _refuse_taken(item, by)
        seen = await annotation_queue.seen_of(tx, by.pharmacy_id, run_id)
        labels = [*_labels(by, item, seen, said)]
        await annotating.keep(tx, by.pharmacy_id, labels)
        await annotation_queue.finish(tx, by.pharmacy_id, by.actor, run_id)
        told = {"labels": len(labels), "nodes": [one.node for one in labels]}
        await audit.append(tx, by.pharmacy_id, by.actor, "annotated", str(run_id), told)
    return len(labels)


def _labels(by: Caller, item: Item, seen: Seen, said: Said) -> Iterator[Label]:
    def one(node: str, key: str, corrected: Any) -> Label:
        # Named by run and node: said again, it takes its own place.
        own = uuid5(NAMESPACE_URL, f"kakari/annotation/{by.pharmacy_id}/{item.run_id}/{node}")
        score = RIGHT if corrected is None else None
        return Label(own, item.run_id, item.conversation_id, node, key, corrected, score, said.comment, by.actor,
                     datetime.now(UTC), "own")  # fmt: skip

    if said.category is not None:
        yield one("classify", "classify", said.category if said.category != seen.category else None)
    if said.phase is not None:
        yield one("switch_phase", "switch_phase", said.phase if said.phase != seen.phase else None)
    # A reply of another category is another generator's: nothing is learnt from it.
    if said.reply is not None and seen.draft is not None and said.category in (None, seen.category) and seen.category:
        changed = said.reply.strip() != seen.draft.strip()
        yield one(f"{GENERATE}_{seen.category}", GENERATE, said.reply if changed else None)
    if said.marks and seen.marks:
        changed_marks = any(seen.marks[name].mark != mark for name, mark in said.marks.items() if name in seen.marks)
        yield one(JUDGE, JUDGE, dict(said.marks) if changed_marks else None)


def _refuse_taken(item: Item, by: Caller) -> None:
    if item.done_at is not None:
        raise Conflict(f"annotation {str(item.run_id)!r}: {item.done_by} is done with it")
    if item.reserved_by not in (None, by.actor):
        raise Conflict(f"annotation {str(item.run_id)!r}: {item.reserved_by} has it")


def _refuse_unknown(flow: Flow, said: Said) -> None:
    if said.category is not None and said.category not in flow.categories:
        raise Refused("category", said.category, f"expected one of {[*flow.categories]}")
    if said.phase is not None and said.phase not in flow.phases:
        raise Refused("phase", said.phase, f"expected one of {[*flow.phases]}")
    for name, mark in said.marks.items():
        if name not in flow.criteria or not 1 <= mark <= 5:
            raise Refused(f"mark.{name}", mark, f"expected 1 to 5 for one of {[*flow.criteria]}")
