"""Runs in the annotation queue, and the labels that people gave them there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import annotation_items, annotation_labels, conversations, outcomes, runs


@dataclass(frozen=True)
class Put:
    """A run that was put into the queue."""

    run_id: UUID
    conversation_id: str
    category: str | None
    nodes: tuple[str, ...]
    """The nodes that it walked, in order."""


@dataclass(frozen=True)
class Label:
    """What a person said of a node's answer, at LangSmith or in the console."""

    feedback_id: UUID
    run_id: UUID
    conversation_id: str
    node: str
    key: str
    corrected: Any
    score: float | None
    comment: str | None
    reviewer: str | None
    reviewed_at: datetime
    words: str = "pseudonyms"
    """`pseudonyms` where they stand for names, as in LangSmith; `own` for what was written in the console."""


@dataclass(frozen=True)
class Kept:
    """What became of labels that were read."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


async def is_put(tx: AsyncConnection, pharmacy_id: str, run_id: UUID) -> bool:
    """Say whether the run is in the queue, or has been."""
    where = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id == run_id)
    return (await tx.execute(select(annotation_items.c.run_id).where(*where))).one_or_none() is not None


async def note_put(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, run_id: UUID, why: list[str]) -> None:
    """Note that the run is in the queue, unless its patient has been erased meanwhile."""
    if not await _there(tx, pharmacy_id, [conversation_id]):
        return
    row = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id, "run_id": run_id, "why": why}
    await tx.execute(upsert(annotation_items).values(**row).on_conflict_do_nothing())


async def put_of(tx: AsyncConnection, pharmacy_id: str, run_ids: Collection[UUID]) -> list[Put]:
    """Return those of the runs that we have put into the queue, and that are still somebody's."""
    category = outcomes.c.body["category"].astext.label("category")
    of_run = (runs.c.pharmacy_id == annotation_items.c.pharmacy_id) & (runs.c.id == annotation_items.c.run_id)
    of_outcome = (outcomes.c.pharmacy_id == runs.c.pharmacy_id) & (outcomes.c.run_id == runs.c.id)
    found = select(annotation_items.c.run_id, annotation_items.c.conversation_id, category, runs.c.steps)
    found = found.select_from(annotation_items.join(runs, of_run).outerjoin(outcomes, of_outcome))
    found = found.where(annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id.in_(run_ids))
    rows = (await tx.execute(found.distinct(annotation_items.c.run_id))).all()
    return [
        Put(row.run_id, row.conversation_id, row.category, tuple(step["node"] for step in row.steps)) for row in rows
    ]


async def keep(tx: AsyncConnection, pharmacy_id: str, labels: Sequence[Label]) -> Kept:
    """Keep labels; one that is known takes its own place where it says something else now."""
    there = await _there(tx, pharmacy_id, [label.conversation_id for label in labels])
    given = {label.feedback_id: label for label in labels if label.conversation_id in there}
    where = (annotation_labels.c.pharmacy_id == pharmacy_id, annotation_labels.c.feedback_id.in_(given))
    before = {row.feedback_id: row for row in (await tx.execute(select(annotation_labels).where(*where))).all()}
    added = changed = 0
    for label in given.values():
        values = {name: getattr(label, name) for name in Label.__dataclass_fields__}
        known = before.get(label.feedback_id)
        if known is not None and all(getattr(known, name) == value for name, value in values.items()):
            continue
        row = upsert(annotation_labels).values(pharmacy_id=pharmacy_id, **values)
        taken = row.on_conflict_do_update(
            index_elements=["pharmacy_id", "feedback_id"], set_=values | {"pulled_at": func.now()}
        )
        await tx.execute(taken)
        added, changed = added + (known is None), changed + (known is not None)
    return Kept(added, changed, len(given) - added - changed)


async def labels_of(tx: AsyncConnection, pharmacy_id: str, node: str | None = None) -> list[Label]:
    """Return the labels of a node, or of every node, the oldest first."""
    found = select(annotation_labels).where(annotation_labels.c.pharmacy_id == pharmacy_id)
    if node is not None:
        found = found.where(annotation_labels.c.node == node)
    rows = await tx.execute(found.order_by(annotation_labels.c.reviewed_at, annotation_labels.c.feedback_id))
    return [Label(**{name: getattr(row, name) for name in Label.__dataclass_fields__}) for row in rows]


async def _there(tx: AsyncConnection, pharmacy_id: str, conversation_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the conversations that are there, held against an erasure until the commit."""
    where = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id.in_(conversation_ids))
    # In one order, as all that hold several.
    held = (
        select(conversations.c.id).where(*where).order_by(conversations.c.id).with_for_update(key_share=True, read=True)
    )
    return frozenset((await tx.execute(held)).scalars())
