"""The second wall between pharmacies: row-level rules in PostgreSQL, and the setting they read."""

from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

SETTING = "kakari.pharmacy_id"


def wall(table: str) -> str:
    """Return the SQL that lets kakari_app see and write only its own pharmacy's rows of `table`.

    Where the setting is empty, as in a connection that has entered no wall, nothing is seen and nothing taken. Source:
    https://www.postgresql.org/docs/current/ddl-rowsecurity.html
    """
    return f"""
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY of_pharmacy ON {table} TO kakari_app
        USING (pharmacy_id = (SELECT current_setting('{SETTING}', true)))
        WITH CHECK (pharmacy_id = (SELECT current_setting('{SETTING}', true)));
    """


async def enter(tx: AsyncConnection, pharmacy_id: str) -> None:
    """Let the rest of the transaction see `pharmacy_id`'s rows, and no other's; with its end the setting is gone."""
    # A setting and no query: what follows may still ask for a snapshot of its own.
    said = sql.SQL("SET LOCAL {} = {}").format(sql.SQL(SETTING), sql.Literal(pharmacy_id))
    await tx.exec_driver_sql(said.as_string())
