"""Names transactions that stand open too long: while one does, deleted rows keep their space."""

import asyncio
import logging
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row
from sqlalchemy import URL

from pharmacy.storage.address import libpq

LONG_SECONDS = 60.0
EVERY_SECONDS = 30.0
OLDEST = """
SELECT pid, usename::text AS "user", application_name AS program, state,
       extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND xact_start < clock_timestamp() - make_interval(secs => %s)
ORDER BY xact_start
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenTransaction:
    """One transaction that stands open."""

    pid: int
    """The server process, as `pg_terminate_backend` takes it."""

    user: str
    program: str
    state: str
    seconds: float
    """Since it began."""


async def open_transactions(owner: URL, longer_than_seconds: float = LONG_SECONDS) -> list[OpenTransaction]:
    """Return the transactions open for longer, oldest first; a plain owner sees its own roles' only."""
    async with (
        await psycopg.AsyncConnection.connect(libpq(owner), connect_timeout=4) as connection,
        connection.cursor(row_factory=class_row(OpenTransaction)) as cursor,
    ):
        await cursor.execute(OLDEST, [longer_than_seconds])
        return await cursor.fetchall()


async def watch_transactions(owner: URL, longer_than_seconds: float = LONG_SECONDS) -> None:
    """Log the transactions that stand open too long, until cancelled."""
    while True:
        try:
            for found in await open_transactions(owner, longer_than_seconds):
                log.warning(
                    "transaction_open_long pid=%d user=%s program=%r state=%r seconds=%.0f",
                    *(found.pid, found.user, found.program, found.state, found.seconds),
                )
        except psycopg.Error as error:
            log.debug("transactions_not_watched reason=%r", str(error))
        except Exception:
            log.exception("transactions_not_watched")
        await asyncio.sleep(EVERY_SECONDS)
