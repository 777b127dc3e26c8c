"""Who writes a dataset, and who takes a patient's rows out of all of them, take turns, one pharmacy at a time."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Without it, rows that are written but not committed would be overlooked by whoever takes rows away, and stay.
# A lock of its own: no patient's message waits while a version is written.
_TURN = text("SELECT pg_advisory_xact_lock(hashtext('datasets'), hashtext(:pharmacy_id))")


async def take_turn(tx: AsyncConnection, pharmacy_id: str) -> None:
    """Wait until nobody else writes or empties the pharmacy's datasets; the turn lasts as long as the transaction."""
    await tx.execute(_TURN, {"pharmacy_id": pharmacy_id})
