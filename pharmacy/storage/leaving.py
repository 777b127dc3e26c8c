"""Stop sending to a patient who has left."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.unsent_for import Problem
from pharmacy.storage import outbox
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import outbox as outbox_rows


async def stop_sending(tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str, why: Problem) -> int:
    """Park what waits to go out in the conversation, and so call a person; return how many texts there were."""
    where = (outbox_rows.c.pharmacy_id == pharmacy_id, outbox_rows.c.conversation_id == conversation_id,
             outbox_rows.c.state == "queued")  # fmt: skip
    waiting = (await tx.execute(select(outbox_rows.c.id).where(*where).order_by(outbox_rows.c.created_at))).scalars()
    ids = list(waiting)
    for outbox_id in ids:
        await outbox.park(tx, jobs, pharmacy_id, outbox_id, why, in_doubt=True)
    return len(ids)
