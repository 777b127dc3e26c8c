"""Try a pooled connection before its use when it has stood idle: one that was in use a moment ago needs no trial."""

import time

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

IDLE_SECONDS = 0.5
"""A busy process asks nothing twice; a connection that broke within this time is found by its next statement."""

_LEFT_AT = "left_at"


def try_idle(engine: Engine) -> None:
    """Have the engine's pool try each connection that was left for `IDLE_SECONDS` before it is handed out again."""

    def leave(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_LEFT_AT] = time.monotonic()

    def take(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        left_at = entry.info.get(_LEFT_AT)
        if left_at is None or time.monotonic() - left_at < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            if not engine.dialect.is_disconnect(error, connection, None):
                raise
            # The pool throws away every connection that is as old, and hands out a new one.
            raise InvalidatePoolError(str(error)) from error

    event.listen(engine, "checkin", leave)
    event.listen(engine, "checkout", take)
