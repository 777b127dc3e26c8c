"""What the watch over a serving student has seen: one case of each conversation, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import watch_cases, watches

_OVERLAP = "1 minute"
"""How far a look reaches back before the last one: longer than any transaction that decides something stays open."""

# Whatever may have made a case of a conversation: a decision, a closed case, a run's outcome.
_CHANGED = """
WITH changed AS (
    SELECT conversation_id FROM suggestions WHERE pharmacy_id = :pharmacy_id AND decided_at > :after
    UNION SELECT conversation_id FROM handovers WHERE pharmacy_id = :pharmacy_id AND resolved_at > :after
    UNION SELECT conversation_id FROM outcomes WHERE pharmacy_id = :pharmacy_id AND created_at > :after)
SELECT conversation_id FROM changed
WHERE EXISTS (SELECT FROM model_calls c WHERE c.pharmacy_id = :pharmacy_id
              AND c.conversation_id = changed.conversation_id AND c.node = :node AND c.model_asked = :student
              AND c.error IS NULL AND c.started_at >= :since)
  AND NOT EXISTS (SELECT FROM watch_cases w WHERE w.pharmacy_id = :pharmacy_id AND w.node = :node
                  AND w.serving_seq = :serving_seq AND w.student = :student
                  AND w.conversation_id = changed.conversation_id)
ORDER BY conversation_id
"""


@dataclass(frozen=True)
class Watched:
    """Who is watched: one student, under one decision."""

    node: str
    serving_seq: int
    """Of the decision since which it serves; 0 is what the file says."""

    student: str
    since: datetime
    """When that was decided."""


@dataclass(frozen=True)
class WatchState:
    """What the watch has come to; plain numbers."""

    measure: str
    bound: float
    alpha: float
    cases: int
    accepted: float
    """The cases' acceptances added up."""

    capitals: tuple[float, ...]
    has_fallen: bool
    looked_at: datetime | None = None
    """None before the first look."""


@dataclass(frozen=True)
class WatchCase:
    """The first case of a conversation."""

    conversation_id: str
    run_id: UUID
    acceptance: float
    """0 to 1."""


async def state_of(tx: AsyncConnection, pharmacy_id: str, of: Watched) -> WatchState | None:
    """Return what the watch has come to; None before its first look."""
    row = (await tx.execute(select(watches).where(_mine(watches, pharmacy_id, of)))).one_or_none()
    return None if row is None else _read(row)


async def hold(tx: AsyncConnection, pharmacy_id: str, of: Watched, begun: WatchState) -> WatchState:
    """Return the state, held against everybody else who looks until the commit; `begun` where there is none yet."""
    row = _key(pharmacy_id, of) | _values(begun) | {"looked_at": of.since}
    await tx.execute(insert(watches).values(**row).on_conflict_do_nothing())
    held = select(watches).where(_mine(watches, pharmacy_id, of)).with_for_update()
    return _read((await tx.execute(held)).one())


async def changed(tx: AsyncConnection, pharmacy_id: str, of: Watched, looked_at: datetime | None) -> list[str]:
    """Return the conversations that may have come to a case since the last look, those without one yet."""
    after = func.greatest(of.since, looked_at or of.since)
    reach: datetime = (await tx.execute(select(after - text(f"interval '{_OVERLAP}'")))).scalar_one()
    given = {"pharmacy_id": pharmacy_id, "node": of.node, "student": of.student, "serving_seq": of.serving_seq,
             "since": of.since, "after": max(reach, of.since)}  # fmt: skip
    return list((await tx.execute(text(_CHANGED), given)).scalars())


async def add(tx: AsyncConnection, pharmacy_id: str, of: Watched, cases: Sequence[WatchCase]) -> list[WatchCase]:
    """Write cases down; return those whose conversation had none yet. The caller holds the state."""
    added = []
    for case in cases:
        row = _key(pharmacy_id, of) | {"conversation_id": case.conversation_id, "run_id": case.run_id,
                                       "acceptance": case.acceptance}  # fmt: skip
        written = insert(watch_cases).values(**row).on_conflict_do_nothing().returning(watch_cases.c.seq)
        if (await tx.execute(written)).one_or_none() is not None:
            added.append(case)
    return added


async def note(tx: AsyncConnection, pharmacy_id: str, of: Watched, state: WatchState) -> None:
    """Keep the state after a look."""
    values = _values(state) | {"looked_at": func.now()}
    await tx.execute(update(watches).where(_mine(watches, pharmacy_id, of)).values(**values))


async def cases_of(tx: AsyncConnection, pharmacy_id: str, of: Watched) -> list[WatchCase]:
    """Return the cases that are still there, in the order in which they were counted."""
    found = select(watch_cases).where(_mine(watch_cases, pharmacy_id, of)).order_by(watch_cases.c.seq)
    return [WatchCase(row.conversation_id, row.run_id, row.acceptance) for row in await tx.execute(found)]


def _mine(table: Table, pharmacy_id: str, of: Watched) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key(pharmacy_id, of).items()))


def _key(pharmacy_id: str, of: Watched) -> dict[str, Any]:
    return {"pharmacy_id": pharmacy_id, "node": of.node, "serving_seq": of.serving_seq, "student": of.student}


def _values(state: WatchState) -> dict[str, Any]:
    return {"measure": state.measure, "bound": state.bound, "alpha": state.alpha, "cases": state.cases,
            "accepted": state.accepted, "capitals": [*state.capitals], "has_fallen": state.has_fallen}  # fmt: skip


def _read(row: Any) -> WatchState:
    return WatchState(
        row.measure, row.bound, row.alpha, row.cases, row.accepted, tuple(row.capitals), row.has_fallen, row.looked_at
    )
