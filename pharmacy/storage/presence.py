"""Who looks at which conversation at this moment and who writes in it; what is not renewed is forgotten."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import holding
from pharmacy.storage.reading import conversation_row
from pharmacy.storage.tables import presences

LIVES = timedelta(seconds=20)
"""How long a page is believed to be looked at since it last said so (`kakari_tell_presence` reads the same)."""


class State(StrEnum):
    """What somebody does in a conversation."""

    VIEWING = "viewing"
    EDITING = "editing"


@dataclass(frozen=True)
class Page:
    """One open page: whose it is, and its own mark."""

    pharmacy_id: str
    actor: str
    mark: str


@dataclass(frozen=True)
class Here:
    """Somebody who is in a conversation."""

    conversation_id: str
    actor: str
    state: State


@dataclass(frozen=True)
class Holder:
    """Who has said that a conversation is theirs."""

    claimed_by: str | None
    taken_over_by: str | None


async def arrive(tx: AsyncConnection, page: Page, conversation_id: str, state: State, *, claims: bool) -> None:
    """Note that the page shows the conversation; what others have not renewed in time goes.

    Args:
        claims: whoever begins to write in a conversation of nobody's has claimed it.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    # The conversation before any other row, as every writer takes them.
    if claims and state is State.EDITING and not await _writes_already(tx, page, conversation_id):
        await _claim_if_free(tx, page, conversation_id)
    else:
        await holder_of(tx, page.pharmacy_id, conversation_id)
    row = insert(presences).values(
        pharmacy_id=page.pharmacy_id, actor=page.actor, page=page.mark, conversation_id=conversation_id, state=state
    )
    given = {name: row.excluded[name] for name in ("conversation_id", "state", "seen_at")}
    await tx.execute(row.on_conflict_do_update(index_elements=["pharmacy_id", "actor", "page"], set_=given))
    await _forget_absent(tx, page.pharmacy_id)


async def leave(tx: AsyncConnection, page: Page, conversation_id: str) -> None:
    """Note that the page no longer shows the conversation; where it shows another one by now, nothing changes.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    await holder_of(tx, page.pharmacy_id, conversation_id)
    await tx.execute(delete(presences).where(*_of(page), presences.c.conversation_id == conversation_id))


async def holder_of(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Holder:
    """Return who holds the conversation.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    row = await conversation_row(tx, pharmacy_id, conversation_id)
    return Holder(row.claimed_by, row.taken_over_by)


async def people(tx: AsyncConnection, pharmacy_id: str, conversation_id: str | None = None) -> list[Here]:
    """Return who is in the conversation, or in any: each person once, as writing if one of their pages is."""
    found = select(
        presences.c.conversation_id,
        presences.c.actor,
        func.min(presences.c.state),  # editing stands before viewing
    )
    found = found.where(presences.c.pharmacy_id == pharmacy_id, ~_is_absent())
    if conversation_id is not None:
        found = found.where(presences.c.conversation_id == conversation_id)
    place = (presences.c.conversation_id, presences.c.actor)
    rows = await tx.execute(found.group_by(*place).order_by(*place))
    return [Here(of, actor, State(state)) for of, actor, state in rows.all()]


async def _writes_already(tx: AsyncConnection, page: Page, conversation_id: str) -> bool:
    # Or a conversation that its writer gave back would be theirs again seconds later.
    there = (presences.c.conversation_id == conversation_id, presences.c.state == State.EDITING, ~_is_absent())
    return (await tx.execute(select(presences.c.page).where(*_of(page), *there))).one_or_none() is not None


async def _claim_if_free(tx: AsyncConnection, page: Page, conversation_id: str) -> None:
    held = await holding.locked(tx, page.pharmacy_id, conversation_id)
    if held.claimed_by is None and held.taken_over_by in (None, page.actor):
        values = {"claimed_by": page.actor}
        await holding.change(tx, page.pharmacy_id, conversation_id, page.actor, "claimed", values)


async def _forget_absent(tx: AsyncConnection, pharmacy_id: str) -> None:
    # Whoever else is looking does this too, and at the same time: nobody waits for another.
    key = (presences.c.pharmacy_id, presences.c.actor, presences.c.page)
    absent = select(*key).where(presences.c.pharmacy_id == pharmacy_id, _is_absent()).with_for_update(skip_locked=True)
    await tx.execute(delete(presences).where(tuple_(*key).in_(absent)))


def _is_absent() -> ColumnElement[bool]:
    return presences.c.seen_at < func.now() - LIVES


def _of(page: Page) -> tuple[ColumnElement[bool], ...]:
    return (presences.c.pharmacy_id == page.pharmacy_id, presences.c.actor == page.actor,
            presences.c.page == page.mark)  # fmt: skip
