"""Was this database put back from a backup? Then what it takes for unsent or unanswered may be neither.

Two signs say so by themselves: the rows stand in another server or database than where they last worked, or the audit
trail ends before a row that this machine has already seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.audit_verify import Head
from pharmacy.storage.cases import open_case
from pharmacy.storage.database import Database
from pharmacy.storage.holding import locked
from pharmacy.storage.tables import audit as trail
from pharmacy.storage.tables import messages, outbox, restores, suggestions

FIRST_START = "first start"
REASON = "restored"
DETAIL = "the store was put back from a backup: see in the channel itself what the patient has got since"

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('restored', 0))")
_PATIENT = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_IDENTITY = text("""
SELECT (SELECT system_identifier FROM pg_control_system())::text || '/'
    || (SELECT oid FROM pg_database WHERE datname = current_database())::text
""")


@dataclass(frozen=True)
class Noted:
    """What this machine has seen of the database: the heads of the trails, and when, by the database's clock."""

    at: datetime
    heads: Mapping[str, Head]


@dataclass(frozen=True)
class Uncertain:
    """What a backup cannot tell of one pharmacy: whether it has been sent, answered or decided since."""

    texts: tuple[UUID, ...]
    """Ids of outbox rows that are still to be sent."""

    unanswered: tuple[str, ...]
    """Conversations with a message that has no outcome."""

    undecided: tuple[str, ...]
    """Conversations with an open suggestion."""


async def alone(tx: AsyncConnection) -> None:
    """Let nobody else look or hold until the transaction ends.

    Raises:
        StoreBusy: somebody else is at it; to be tried again.
    """
    await tx.execute(_PATIENT)
    await tx.execute(_LOCK)


async def found_by(tx: AsyncConnection, database: Database, noted: Noted | None) -> str | None:
    """Return the sign by which the database shows that it was put back, or None where there is none."""
    last = (await tx.execute(select(restores).order_by(restores.c.seq.desc()).limit(1))).one_or_none()
    if last is None:
        return FIRST_START
    if last.identity != await _identity(tx):
        return "another server or database"
    if noted is None or (last.found_by != FIRST_START and last.at >= noted.at):
        return None  # what was noted before the last hold has been dealt with
    for pharmacy_id, head in noted.heads.items():
        async with database.begin(pharmacy_id) as of_pharmacy:
            if not await _knows(of_pharmacy, pharmacy_id, head):
                return f"audit row {head.seq} of {pharmacy_id} is gone"
    return None


async def note(tx: AsyncConnection, sign: str) -> None:
    """Write down that the database was found to be put back, and that all of it was held."""
    values = {"identity": await _identity(tx), "found_by": sign, "at": func.clock_timestamp()}
    await tx.execute(insert(restores).values(**values))


async def now(tx: AsyncConnection) -> datetime:
    """Return the database's time."""
    at: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    return at


async def uncertain(tx: AsyncConnection, pharmacy_id: str) -> Uncertain:
    """Return what is to be held for people."""
    queued = select(outbox.c.id).where(outbox.c.pharmacy_id == pharmacy_id, outbox.c.state == "queued")
    waits = (messages.c.pharmacy_id == pharmacy_id, messages.c.author == "patient", messages.c.outcome_id.is_(None))
    drafted = (suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.state == "open")
    unanswered = select(messages.c.conversation_id).where(*waits).distinct()
    undecided = select(suggestions.c.conversation_id).where(*drafted).distinct()
    return Uncertain(
        tuple((await tx.execute(queued.order_by(outbox.c.created_at))).scalars()),
        tuple((await tx.execute(unanswered)).scalars()),
        tuple((await tx.execute(undecided)).scalars()),
    )


async def warn(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> None:
    """Have a person look at a conversation before its draft is used."""
    await open_case(tx, await locked(tx, pharmacy_id, conversation_id), REASON, DETAIL)


async def tell(tx: AsyncConnection, pharmacy_id: str, actor: str, sign: str, held: Uncertain) -> None:
    """Write into the trail what was held."""
    said = {"found_by": sign, "texts": len(held.texts), "unanswered": len(held.unanswered),
            "undecided": len(held.undecided)}  # fmt: skip
    await audit.append(tx, pharmacy_id, actor, "restored", pharmacy_id, said)


async def _identity(tx: AsyncConnection) -> str:
    return str((await tx.execute(_IDENTITY)).scalar_one())


async def _knows(tx: AsyncConnection, pharmacy_id: str, head: Head) -> bool:
    if head.seq == 0:
        return True
    mine = select(trail.c.hash).where(trail.c.pharmacy_id == pharmacy_id, trail.c.seq == head.seq)
    return (await tx.execute(mine)).scalar_one_or_none() == head.hash
