"""Runs whose answers no student has been asked beside yet: what a batch asks once their day is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Answers of the memory of repeated questions came from no model; `question` looks at all the rest once more.
_WAITING = text("""
SELECT DISTINCT (c.started_at AT TIME ZONE 'Asia/Tokyo')::date AS day, c.conversation_id, c.run_id
FROM model_calls c
WHERE c.pharmacy_id = :pharmacy_id AND c.node = :node AND c.error IS NULL
  AND c.started_at >= :since AND c.started_at < :until
  AND NOT EXISTS (SELECT FROM shadow_answers s
                  WHERE s.pharmacy_id = c.pharmacy_id AND s.run_id = c.run_id AND s.node = c.node)
ORDER BY 1, 2, 3
""")


@dataclass(frozen=True)
class Waiting:
    """One run that a student may be asked beside."""

    day: date
    """In Japan."""

    conversation_id: str
    run_id: UUID


async def waiting(
    tx: AsyncConnection, pharmacy_id: str, node: str, since: datetime, until: datetime
) -> Sequence[Waiting]:
    """Return the runs of `since` up to `until` in which `node` answered, and no student beside it; in a fixed order."""
    asked: dict[str, Any] = {"pharmacy_id": pharmacy_id, "node": node, "since": since, "until": until}
    rows = await tx.execute(_WAITING, asked)
    return [Waiting(row.day, row.conversation_id, row.run_id) for row in rows]
