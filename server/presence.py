"""Who is in a conversation: the same for the API's calls and the console's pages."""

from typing import Any

from pharmacy.domain.rights import Right
from pharmacy.storage import presence
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.presence import Here, Page, State
from server.program import Program

GONE = "gone"


async def tell(program: Program, by: Caller, conversation_id: str, state: str, mark: str) -> dict[str, Any]:
    """Note what one of the caller's pages shows, and return who is there now.

    Whoever may not answer patients writes nothing that counts: they are looking.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    page, may = Page(by.pharmacy_id, by.actor, mark), Right.DECIDE in by.rights
    async with program.database.begin(by.pharmacy_id) as tx:
        if state == GONE:
            await presence.leave(tx, page, conversation_id)
        else:
            here = State(state) if may else State.VIEWING
            await presence.arrive(tx, page, conversation_id, here, claims=may)
        return await _shown(tx, by, conversation_id)


async def of_conversation(program: Program, by: Caller, conversation_id: str) -> dict[str, Any]:
    """Return who is in the conversation and who holds it.

    Raises:
        NotHere: as `tell`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        return await _shown(tx, by, conversation_id)


async def of_desk(program: Program, by: Caller) -> dict[str, Any]:
    """Return who is in which conversation."""
    async with program.database.begin(by.pharmacy_id) as tx:
        found = await presence.people(tx, by.pharmacy_id)
    return {"people": [_person(by, here) | {"conversation_id": here.conversation_id} for here in found]}


async def _shown(tx: Transaction, by: Caller, conversation_id: str) -> dict[str, Any]:
    holder = await presence.holder_of(tx, by.pharmacy_id, conversation_id)
    found = await presence.people(tx, by.pharmacy_id, conversation_id)
    return {
        "people": [_person(by, here) for here in found],
        "claimed_by": holder.claimed_by,
        "taken_over_by": holder.taken_over_by,
        "you": by.actor,
    }


def _person(by: Caller, here: Here) -> dict[str, Any]:
    return {"name": here.actor, "state": here.state.value, "is_you": here.actor == by.actor}
