"""The annotation queue: which runs wait to be looked at again, who has reserved which, and what is seen of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.annotation import AnnotationRule, lowest_margin
from pharmacy.domain.judgement import Mark
from pharmacy.storage import annotating
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import annotation_items, conversations

LEASE = timedelta(minutes=15)
"""How long a run stays reserved for whoever was given it."""

LOOKED_AT, DAYS = 500, 30
TURNS = 12

# Only of patients who agree to training: of others nothing may be learnt, so nobody's time is spent on them.
_NEW = text("""
SELECT r.id AS run_id, r.conversation_id, o.body -> 'judgement' AS judgement,
       CASE WHEN s.decision ->> 'code' = 'replied' THEN 'replied' ELSE s.state END AS decision
FROM runs r
JOIN outcomes o ON o.pharmacy_id = r.pharmacy_id AND o.run_id = r.id
JOIN conversations c ON c.pharmacy_id = r.pharmacy_id AND c.id = r.conversation_id
JOIN patients p ON p.pharmacy_id = c.pharmacy_id AND p.id = c.patient_id
LEFT JOIN suggestions s ON s.pharmacy_id = r.pharmacy_id AND s.run_id = r.id AND s.decided_at IS NOT NULL
WHERE r.pharmacy_id = :pharmacy_id AND r.finished_at >= now() - make_interval(days => :days)
  AND p.profile #>> '{consent,training}' = 'true' AND r.version > c.withdrawn_version
  AND NOT EXISTS (SELECT FROM annotation_items i WHERE i.pharmacy_id = r.pharmacy_id AND i.run_id = r.id)
ORDER BY r.finished_at DESC LIMIT :most
""")
_NEXT = text("""
UPDATE annotation_items SET reserved_by = :actor, reserved_until = now() + :lease
WHERE pharmacy_id = :pharmacy_id AND run_id = (
    SELECT run_id FROM annotation_items
    WHERE pharmacy_id = :pharmacy_id AND done_at IS NULL AND run_id IS DISTINCT FROM CAST(:but AS uuid)
      AND (reserved_until IS NULL OR reserved_until < now() OR reserved_by = :actor)
    ORDER BY (put_at, run_id) <= (SELECT put_at, run_id FROM annotation_items
                                  WHERE pharmacy_id = :pharmacy_id AND run_id = CAST(:but AS uuid)) NULLS FIRST,
             put_at, run_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING run_id
""")
_SEEN = text("""
SELECT r.conversation_id, r.version, o.body, s.text AS draft, s.state, s.decision
FROM runs r LEFT JOIN outcomes o ON o.pharmacy_id = r.pharmacy_id AND o.run_id = r.id
LEFT JOIN suggestions s ON s.pharmacy_id = r.pharmacy_id AND s.run_id = r.id
WHERE r.pharmacy_id = :pharmacy_id AND r.id = :run_id LIMIT 1
""")
_TURNS = text("""
SELECT author, text FROM messages
WHERE pharmacy_id = :pharmacy_id AND conversation_id = :conversation_id AND version <= :version
ORDER BY order_at DESC, seq DESC LIMIT :most
""")


@dataclass(frozen=True)
class Item:
    """One run in the queue."""

    run_id: UUID
    conversation_id: str
    why: Sequence[str]
    put_at: datetime
    reserved_by: str | None
    """None while nobody has it, or the time is over."""

    done_by: str | None
    done_at: datetime | None


@dataclass(frozen=True)
class Seen:
    """What somebody who labels a run has before them."""

    conversation_id: str
    turns: Sequence[tuple[str, str]]
    """Author and words, the oldest first."""

    category: str | None
    phase: str | None
    draft: str | None
    state: str | None
    """What a pharmacist made of the draft."""

    marks: Mapping[str, Mark]


async def fill(tx: AsyncConnection, pharmacy_id: str, rule: AnnotationRule) -> int:
    """Put the newest runs into the queue that the rule takes; return how many were looked at and taken."""
    given = {"pharmacy_id": pharmacy_id, "days": DAYS, "most": LOOKED_AT}
    taken = 0
    for row in (await tx.execute(_NEW, given)).all():
        margin = lowest_margin(_marks(row.judgement))
        if why := rule.decided(row.run_id, margin, row.decision):
            await annotating.note_put(tx, pharmacy_id, row.conversation_id, row.run_id, [*why])
            taken += 1
    return taken


async def waiting(tx: AsyncConnection, pharmacy_id: str, limit: int) -> tuple[list[Item], int]:
    """Return the first runs that nobody is done with, and how many there are."""
    mine = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.done_at.is_(None))
    order = (annotation_items.c.put_at, annotation_items.c.run_id)
    rows = await tx.execute(select(*_COLUMNS).where(*mine).order_by(*order).limit(limit))
    found = [_item(row) for row in rows]
    return found, (await tx.execute(select(func.count()).where(*mine))).scalar_one()


async def next_of(tx: AsyncConnection, pharmacy_id: str, actor: str, but: UUID | None = None) -> UUID | None:
    """Reserve the next run for `actor`; return its id, or None where none is free.

    Args:
        but: the run that they come from: the one after it is next, and it is not given again at once.
    """
    given = {"pharmacy_id": pharmacy_id, "actor": actor, "lease": LEASE, "but": str(but) if but else None}
    found: UUID | None = (await tx.execute(_NEXT, given)).scalar_one_or_none()
    return found


async def reserve(tx: AsyncConnection, pharmacy_id: str, actor: str, run_id: UUID) -> Item:
    """Reserve the run for `actor` unless somebody else has it; return it with who has it now.

    Raises:
        NotHere: it is not in this pharmacy's queue.
    """
    mine = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id == run_id)
    # The conversation before any other row, as every writer takes them: no erasure or withdrawal comes in between.
    whose = select(annotation_items.c.conversation_id).where(*mine).scalar_subquery()
    of = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == whose)
    await tx.execute(select(conversations.c.id).where(*of).with_for_update(read=True))
    row = (await tx.execute(select(*_COLUMNS).where(*mine).with_for_update())).one_or_none()
    if row is None:
        raise NotHere(f"annotation {str(run_id)!r}: there is none")
    item = _item(row)
    if item.done_at is not None or item.reserved_by not in (None, actor):
        return item
    values = {"reserved_by": actor, "reserved_until": func.now() + LEASE}
    await tx.execute(update(annotation_items).where(*mine).values(**values))
    return Item(item.run_id, item.conversation_id, item.why, item.put_at, actor, None, None)


async def release(tx: AsyncConnection, pharmacy_id: str, actor: str, run_id: UUID) -> None:
    """Let others have the run."""
    mine = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id == run_id,
            annotation_items.c.reserved_by == actor)  # fmt: skip
    await tx.execute(update(annotation_items).where(*mine).values(reserved_by=None, reserved_until=None))


async def finish(tx: AsyncConnection, pharmacy_id: str, actor: str, run_id: UUID) -> None:
    """Note that `actor` is done with the run."""
    mine = (annotation_items.c.pharmacy_id == pharmacy_id, annotation_items.c.run_id == run_id)
    values = {"done_by": actor, "done_at": func.now(), "reserved_by": None, "reserved_until": None}
    await tx.execute(update(annotation_items).where(*mine).values(**values))


async def seen_of(tx: AsyncConnection, pharmacy_id: str, run_id: UUID) -> Seen:
    """Return what is to be looked at.

    Raises:
        NotHere: the run is gone.
    """
    row = (await tx.execute(_SEEN, {"pharmacy_id": pharmacy_id, "run_id": run_id})).one_or_none()
    if row is None:
        raise NotHere(f"run {str(run_id)!r}: there is none")
    of = {"pharmacy_id": pharmacy_id, "conversation_id": row.conversation_id, "version": row.version, "most": TURNS}
    turns = [(turn.author, turn.text) for turn in await tx.execute(_TURNS, of)]
    body = row.body or {}
    draft = row.draft if row.draft is not None else body.get("reply")
    return Seen(
        row.conversation_id, turns[::-1], body.get("category"), body.get("phase"), draft, row.state,
        _marks(body.get("judgement")),
    )  # fmt: skip


_is_held = annotation_items.c.reserved_until > func.now()
_COLUMNS = (
    annotation_items.c.run_id, annotation_items.c.conversation_id, annotation_items.c.why, annotation_items.c.put_at,
    annotation_items.c.reserved_by, _is_held.label("is_held"), annotation_items.c.done_by, annotation_items.c.done_at,
)  # fmt: skip


def _item(row: Any) -> Item:
    held = row.reserved_by if row.is_held else None
    return Item(row.run_id, row.conversation_id, row.why, row.put_at, held, row.done_by, row.done_at)


def _marks(judgement: Mapping[str, Any] | None) -> dict[str, Mark]:
    return {name: Mark(each["mark"], each["bar"], each.get("reason", "")) for name, each in (judgement or {}).items()}
