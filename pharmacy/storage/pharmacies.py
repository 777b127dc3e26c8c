"""Which pharmacies this database serves; each of them sees only its own rows."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.database import Database
from pharmacy.storage.tables import pharmacies


async def add(tx: AsyncConnection, pharmacy_id: str) -> bool:
    """Make room for a pharmacy; say whether it is new."""
    made = upsert(pharmacies).values(id=pharmacy_id).on_conflict_do_nothing().returning(pharmacies.c.id)
    return (await tx.execute(made)).one_or_none() is not None


async def every(tx: AsyncConnection) -> list[str]:
    """Return the ids of all pharmacies; they are no secret."""
    return list((await tx.execute(select(pharmacies.c.id).order_by(pharmacies.c.id))).scalars())


async def served(database: Database) -> list[str]:
    """Return the ids of all pharmacies, for a sweep that visits each in a transaction of its own.

    Raises:
        StoreBusy: the store could not be asked.
    """
    async with database.begin_without_pharmacy() as tx:
        return await every(tx)
