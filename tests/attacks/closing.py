"""Run messages whose runs each fail in one node, and count what went out and what reached nobody."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text

from tests.api.shop import Shop
from tests.attacks.faulty import Fault
from tests.attacks.siege import AT_ONCE, know
from tests.attacks.surfaces import WAIT_SECONDS


@dataclass
class Closed:
    """What came of runs with a fault."""

    sent: list[str]
    """Texts that went out or were queued by themselves."""

    with_nobody: list[str]
    """Messages that no person finds in the queue."""


async def run_all(shop: Shop, faults: list[Fault]) -> Closed:
    """Send each fault's message in a conversation of its own; return what came of them."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(fault: Fault) -> None:
        conversation_id = f"fault-{fault.number}"
        async with room:
            await know(shop, conversation_id)
            if fault.node == "patient":
                await _spoil(shop, conversation_id)
            await shop.say(conversation_id, fault.words, wait=WAIT_SECONDS)

    await asyncio.gather(*(one(fault) for fault in faults))
    went = await shop.rows("SELECT conversation_id FROM outbox WHERE automatic AND conversation_id LIKE 'fault-%'")
    waiting = await shop.rows(
        "SELECT conversation_id FROM handovers WHERE state = 'open' UNION SELECT conversation_id FROM suggestions"
        " WHERE state = 'open'"
    )
    found = {row.conversation_id for row in waiting}
    lost = [fault.words for fault in faults if f"fault-{fault.number}" not in found]
    return Closed([row.conversation_id for row in went], lost)


async def _spoil(shop: Shop, patient_id: str) -> None:
    """Leave a stored profile that no run can read."""
    spoilt = 'UPDATE patients SET profile = \'{"birth_year": {"lc": 1}, "orders": 3}\' WHERE id = :p'
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        await tx.execute(text(spoilt), {"p": patient_id})
