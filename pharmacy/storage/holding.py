"""What a person does to a conversation itself: hold it, claim it, correct it, stop the run in work."""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, moves, requests, runs
from pharmacy.storage.alarms import acknowledge_open
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import conversations


async def locked(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Any:
    """Return the conversation's row, held until the transaction ends; every writer takes this lock first.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    where = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    found = (await tx.execute(select(conversations).where(*where).with_for_update())).one_or_none()
    if found is None:
        raise NotHere(f"conversation {conversation_id!r}: there is none")
    return found


async def change(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str, action: str, values: dict[str, Any]
) -> None:
    """Set fields of a conversation by a person's hand: claim, phase, category, snooze.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    before = await locked(tx, pharmacy_id, conversation_id)
    await moves.by_person(tx, before, actor, values)
    # The clock and not now(): under the lock, later than anything that was written before it.
    dated = {f"{name}_set_at": func.clock_timestamp() for name in ("phase", "category") if name in values}
    await _set(tx, pharmacy_id, conversation_id, values | dated)
    if values.get("claimed_by"):
        await acknowledge_open(tx, pharmacy_id, conversation_id, actor)
    said = {name: str(value) if value is not None else None for name, value in values.items()}
    await audit.append(tx, pharmacy_id, actor, action, conversation_id, said)


async def take_over(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str) -> None:
    """Hold a conversation: no machine answers in it, the run in work included.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    conversation = await locked(tx, pharmacy_id, conversation_id)
    if await runs.stop(tx, pharmacy_id, conversation_id, "taken_over"):
        await requests.undo(tx, conversation)
    await _set(tx, pharmacy_id, conversation_id, {"taken_over_by": actor, "claimed_by": actor})
    await acknowledge_open(tx, pharmacy_id, conversation_id, actor)
    await audit.append(tx, pharmacy_id, actor, "taken_over", conversation_id, {})


async def stop_run(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, actor: str) -> bool:
    """Stop the run in work, whose messages then wait for a person; say whether there was one.

    The draft that it was to take the place of is open again.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    conversation = await locked(tx, pharmacy_id, conversation_id)
    stopped = await runs.stop(tx, pharmacy_id, conversation_id, "run_stopped")
    if stopped:
        draft = await requests.undo(tx, conversation)
        reopened = {"suggestion_id": str(draft)} if draft else {}
        await audit.append(tx, pharmacy_id, actor, "run_stopped", conversation_id, reopened)
    return stopped


async def _set(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, values: dict[str, Any]) -> None:
    where = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    await tx.execute(update(conversations).where(*where).values(**values))
