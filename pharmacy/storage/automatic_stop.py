"""Stop all automatic sending, and give what was waiting to go back to people."""

import time
from uuid import UUID

from sqlalchemy import select

from pharmacy.domain.held_for import HeldFor
from pharmacy.storage import outbox, policy
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.refusals import NotHere, StoreBusy
from pharmacy.storage.tables import outbox as texts

TAKE_BACK_SECONDS = 5.0
"""How long the caller waits; each text's own turn to be sent takes back what is left."""


async def stop(database: Database, pharmacy_id: str, actor: str, reason: str) -> tuple[policy.Switch, int]:
    """Turn the kill switch on; return where it stands and how many waiting texts were taken back.

    From the commit on nothing goes: each text asks for the switch in the transaction that claims it. Taking back
    comes after, one conversation at a time, so that no busy conversation can keep the switch from being turned.
    """
    async with database.begin(pharmacy_id) as tx:
        switch = await policy.turn(tx, pharmacy_id, actor, is_on=True, reason=reason)
    return switch, await _take_back(database, pharmacy_id, actor)


async def release(tx: Transaction, pharmacy_id: str, actor: str, reason: str) -> policy.Switch:
    """Let automatic sending run again, as the policy says."""
    return await policy.turn(tx, pharmacy_id, actor, is_on=False, reason=reason)


async def cancel(tx: Transaction, pharmacy_id: str, conversation_id: str, outbox_id: UUID, actor: str) -> None:
    """Take one automatic text back by a person's hand; its draft is a suggestion again.

    Raises:
        NotHere: the conversation has no such automatic text.
        Stale: it is on its way, or done with.
    """
    mine = (texts.c.pharmacy_id == pharmacy_id, texts.c.id == outbox_id, texts.c.conversation_id == conversation_id)
    if (await tx.execute(select(texts.c.id).where(*mine, texts.c.automatic))).one_or_none() is None:
        raise NotHere(f"automatic text {str(outbox_id)!r}: there is none in conversation {conversation_id!r}")
    await outbox.cancel(tx, pharmacy_id, outbox_id, actor)


async def _take_back(database: Database, pharmacy_id: str, actor: str) -> int:
    waiting = (texts.c.pharmacy_id == pharmacy_id, texts.c.automatic, texts.c.state == "queued", texts.c.attempts == 0)
    async with database.begin(pharmacy_id) as tx:
        found = list((await tx.execute(select(texts.c.id).where(*waiting).order_by(texts.c.created_at))).scalars())
    taken, until = 0, time.monotonic() + TAKE_BACK_SECONDS
    for outbox_id in found:
        if time.monotonic() > until:
            break
        try:
            async with database.begin(pharmacy_id) as tx:
                taken += await outbox.withhold(tx, pharmacy_id, outbox_id, actor, HeldFor.KILL_SWITCH)
        except StoreBusy:
            continue
    return taken
