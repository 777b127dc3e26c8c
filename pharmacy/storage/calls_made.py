"""The model calls of a run, written down once it has ended."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.model import ModelCall
from pharmacy.storage.begun import Begun
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, model_calls, runs


async def record(tx: AsyncConnection, begun: Begun, calls: Sequence[ModelCall]) -> None:
    """Write the run's model calls, all in one batch."""
    scope = {"pharmacy_id": begun.pharmacy_id, "conversation_id": begun.conversation_id, "run_id": begun.id}
    rows = [storable({**asdict(call), "blanks": dict(call.blanks)}) | scope for call in calls]
    if rows and await _is_there(tx, begun):
        # What the run read may have been withdrawn while it worked; then its words are not written down again.
        forget: dict[str, Any] = {"blanks": {}, "output": None} if await _read_what_is_withdrawn(tx, begun) else {}
        await tx.execute(insert(model_calls), [row | forget for row in rows])


async def _is_there(tx: AsyncConnection, begun: Begun) -> bool:
    """Say whether the run was not erased with its patient; the conversation is held, so that it stays so."""
    of_conversation = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    await tx.execute(select(conversations.c.id).where(*of_conversation).with_for_update())
    return (await tx.execute(select(runs.c.id).where(runs.c.id == begun.id))).one_or_none() is not None


async def _read_what_is_withdrawn(tx: AsyncConnection, begun: Begun) -> bool:
    of_conversation = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    found = select(conversations.c.withdrawn_version).where(*of_conversation)
    # Held, so that no withdrawal comes between this look and the commit.
    return bool((await tx.execute(found.with_for_update())).scalar_one() > begun.version)
