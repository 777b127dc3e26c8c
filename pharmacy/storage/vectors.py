"""The extension that compares vectors: made where the server has it and lets us; everything works without."""

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

EXTENSION = "vector"
# Whatever stands in its way, a start must not fail for it: repeated questions are then found by their words alone.
_MAKE = f"""
DO $$ BEGIN
    IF to_regtype('{EXTENSION}') IS NULL
        AND EXISTS (SELECT FROM pg_available_extensions WHERE name = '{EXTENSION}') THEN
        CREATE EXTENSION IF NOT EXISTS {EXTENSION};
    END IF;
EXCEPTION WHEN OTHERS THEN NULL;
END $$
"""
_IS_THERE = text(f"SELECT to_regtype('{EXTENSION}') IS NOT NULL")


def make_extension(connection: Connection) -> None:
    """Make the extension, as the database's owner, at each start: it may have been installed since, or not restored."""
    connection.execute(text(_MAKE))


async def compares(tx: AsyncConnection) -> bool:
    """Return whether the database can compare vectors."""
    return bool((await tx.execute(_IS_THERE)).scalar_one())
