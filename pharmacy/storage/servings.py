"""Who serves each node, where somebody has decided it: append-only rows, each with who, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.serving import Serving
from pharmacy.storage import audit
from pharmacy.storage.tables import servings


@dataclass(frozen=True)
class Decided:
    """The newest decision on a node."""

    serving: Serving
    set_by: str
    reason: str
    at: datetime
    seq: int = 0
    """Rises with every decision; 0 is what the file says."""


async def decided(tx: AsyncConnection, pharmacy_id: str) -> Mapping[str, Decided]:
    """Return node to its newest decision; a node that nobody has decided on is served as the file says.

    Read anew for each run, so that a decision holds in every process from its commit on.
    """
    found = (
        select(servings)
        .where(servings.c.pharmacy_id == pharmacy_id)
        .distinct(servings.c.node)
        .order_by(servings.c.node, servings.c.seq.desc())
    )
    return {row.node: _read(row) for row in await tx.execute(found)}


async def history(tx: AsyncConnection, pharmacy_id: str, node: str) -> list[Decided]:
    """Return every decision on `node`, the newest first."""
    mine = (servings.c.pharmacy_id == pharmacy_id, servings.c.node == node)
    return [_read(row) for row in await tx.execute(select(servings).where(*mine).order_by(servings.c.seq.desc()))]


async def take_turn(tx: AsyncConnection, pharmacy_id: str) -> None:
    """Wait for whoever else decides; what is read after this holds until the commit."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('servings:' || :p, 0))")
    await tx.execute(lock, {"p": pharmacy_id})


async def decide(
    tx: AsyncConnection, pharmacy_id: str, actor: str, node: str, serving: Serving, reason: str
) -> Decided | None:
    """Let `serving` hold for `node` from the next run on; return what somebody had decided before, if anybody had.

    The caller has checked that it can hold. What holds already is not written again.
    """
    await take_turn(tx, pharmacy_id)
    before = (await decided(tx, pharmacy_id)).get(node)
    if before is not None and before.serving == serving:
        return before
    body = {"by": serving.by, "canary_share": serving.canary_share, "shadow_share": serving.shadow_share,
            "student": serving.student}  # fmt: skip
    await tx.execute(insert(servings).values(pharmacy_id=pharmacy_id, node=node, **body, set_by=actor, reason=reason))
    await audit.append(tx, pharmacy_id, actor, "serving_set", node, body | {"reasoned": bool(reason)})
    return before


def _read(row: Any) -> Decided:
    serving = Serving(row.by, row.canary_share, row.shadow_share, row.student)
    return Decided(serving, row.set_by, row.reason, row.at, row.seq)
