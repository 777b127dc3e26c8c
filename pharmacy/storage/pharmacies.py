"""Which pharmacies this database serves; each of them sees only its own rows."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import pharmacies


async def add(tx: AsyncConnection, pharmacy_id: str) -> bool:
    """Make room for a pharmacy; say whether it is new."""
    made = upsert(pharmacies).values(id=pharmacy_id).on_conflict_do_nothing().returning(pharmacies.c.id)
    return (await tx.execute(made)).one_or_none() is not None


async def every(tx: AsyncConnection) -> list[str]:
    """Return the ids of all pharmacies; ids are no secret, and a sweep visits each in a transaction of its own."""
    return list((await tx.execute(select(pharmacies.c.id).order_by(pharmacies.c.id))).scalars())
