"""How a conversation has moved: each time that its phase or category became another one, and by whose word."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, literal, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import conversations, moves, suggestions

MOVING = ("phase", "category")
NODES = {"phase": "switch_phase", "category": "classify"}
"""Which node of the flow says it."""

LAST_MOVES = 50


async def by_person(tx: AsyncConnection, conversation: Any, actor: str, values: Mapping[str, Any]) -> None:
    """Note what a person sets.

    Args:
        conversation: its row, locked, before the change.
        values: what is set of it; only what becomes another value is a move.
    """
    await _note(tx, conversation, {what: (values[what], None, actor) for what in MOVING if what in values})


async def by_text(tx: AsyncConnection, conversation: Any, text: Any, values: Mapping[str, Any]) -> None:
    """Note where a text leads that has reached the patient: by the flow's word, or by that of who edited the draft.

    Args:
        conversation: as for `by_person`.
        text: its row in the outbox.
    """
    led = {what: values[what] for what in MOVING if what in values and values[what] != getattr(conversation, what)}
    if not led:
        return
    decided = select(suggestions.c.decision).where(suggestions.c.id == text.suggestion_id)
    corrected = (await tx.execute(decided)).scalar_one_or_none() or {}
    by_hand = {what for what in led if corrected.get(what) == led[what]}
    said = {
        what: (value, None, text.sent_by) if what in by_hand else (value, NODES[what], None)
        for what, value in led.items()
    }
    await _note(tx, conversation, said)


async def by_classifying(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, category: str) -> None:
    """Note that the flow takes the conversation for another category; to be called before it is set."""
    other = or_(conversations.c.category.is_(None), conversations.c.category != category)
    moved = select(
        conversations.c.pharmacy_id, conversations.c.id, literal("category"), conversations.c.category,
        literal(category), literal(NODES["category"]), null(), func.clock_timestamp(),
    ).where(
        conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id, other,
        conversations.c.category_set_by.is_(None),
    )  # fmt: skip
    columns = ["pharmacy_id", "conversation_id", "what", "before", "after", "node", "actor", "at"]
    await tx.execute(insert(moves).from_select(columns, moved))


async def last_moves(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> list[dict[str, Any]]:
    """Return the conversation's newest moves, the newest first."""
    found = select(moves).where(moves.c.pharmacy_id == pharmacy_id, moves.c.conversation_id == conversation_id)
    rows = await tx.execute(found.order_by(moves.c.seq.desc()).limit(LAST_MOVES))
    return [
        {"what": row.what, "before": row.before, "after": row.after, "node": row.node, "actor": row.actor,
         "at": row.at.isoformat()}
        for row in rows
    ]  # fmt: skip


async def _note(tx: AsyncConnection, conversation: Any, said: Mapping[str, tuple[Any, str | None, str | None]]) -> None:
    scope = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id}
    rows = [
        {**scope, "what": what, "before": getattr(conversation, what), "after": value, "node": node, "actor": actor}
        for what, (value, node, actor) in said.items() if value != getattr(conversation, what)
    ]  # fmt: skip
    if rows:
        await tx.execute(insert(moves).values(at=func.clock_timestamp()), rows)
