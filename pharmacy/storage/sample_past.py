"""Write a made-up past into an empty pharmacy, for a first look; no run, job or audit row stands behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import conversations, messages, model_calls, outcomes, patients, suggestions

ORDER = (patients, conversations, outcomes, suggestions, messages, model_calls)
"""What can be written, what others rest on first."""


async def write(tx: AsyncConnection, pharmacy_id: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write `rows`, by the names of their tables; rows of one table have the same columns."""
    for table in ORDER:
        if found := [dict(row) | {"pharmacy_id": pharmacy_id} for row in rows.get(table.name, ())]:
            await tx.execute(insert(table), found)
