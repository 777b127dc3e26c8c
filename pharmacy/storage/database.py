"""The open database: migrated, checked, and worked on as kakari_app."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import masked, reach, read_address, with_options
from pharmacy.storage.embedded import EmbeddedServer
from pharmacy.storage.idle_connections import try_idle
from pharmacy.storage.migrate import migrate
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.roles import APP_ROLE, refuse_powerful
from pharmacy.storage.turns import Turns
from pharmacy.storage.walls import enter

WAIT_SECONDS = 1
OPTIONS = (
    f"-c role={APP_ROLE} -c timezone=UTC -c jit=off -c lock_timeout={WAIT_SECONDS}s "
    "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s"
)
KEEPALIVE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000"}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: a lock, statement or transaction took too long, a
# session stood idle too long, no connection left, disk full, input or output error, read-only, shutting down,
# or starting up.
BUSY_STATES = frozenset(
    {"55P03", "40P01", "57014", "25P03", "25P04", "57P05", "53300", "53100", "53200", "58030", "25006", "57P01",
     "57P02", "57P03"}
)  # fmt: skip

Transaction = AsyncConnection
"""What a piece of work in the store is handed; whoever is not of the store only passes it on."""

Result = TypeVar("Result")


class Database:
    """One process's way into the store. Made by `open_database`."""

    def __init__(
        self, engine: AsyncEngine, owner: URL, pharmacy_id: str, revision: str, server: EmbeddedServer | None
    ) -> None:
        self.engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._turns = Turns()
        self.owner = owner
        self.pharmacy_id = pharmacy_id
        self.revision = revision
        self.server = server
        """The embedded server, which `kakari serve` supervises; None with DATABASE_URL set."""

    @property
    def url_masked(self) -> str:
        """The address as it may be shown."""
        return masked(self.owner)

    @property
    def app_url(self) -> URL:
        """The address, password included, of connections that work as kakari_app."""
        return app_address(self.owner)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection without a transaction, for a single statement: each one is a transaction of its own.

        It belongs to no pharmacy, and a statement that goes behind a wall is out again when it ends.

        Raises:
            StoreBusy: as `begin`.
        """
        async with _told_busy(), self._turns.turn(), self._single.connect() as connection:
            yield connection

    @asynccontextmanager
    async def begin(self, pharmacy_id: str) -> AsyncIterator[AsyncConnection]:
        """Give a connection with a transaction: committed at the end, rolled back when anything is raised.

        Args:
            pharmacy_id: whose rows it may see and write.

        Raises:
            StoreBusy: no connection, lock, disk space or server could be had in time; nothing was written.
        """
        async with self.begin_without_pharmacy() as connection:
            await enter(connection, pharmacy_id)
            yield connection

    @asynccontextmanager
    async def begin_without_pharmacy(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection with a transaction that belongs to no pharmacy: every table behind a wall is empty to it.

        For what is nobody's (the list of pharmacies, the job queue, the schema, the server) and for finding out whose
        a token is: the function that knows it goes behind that pharmacy's wall.

        Raises:
            StoreBusy: as `begin`.
        """
        async with _told_busy(), self._turns.turn(), self.engine.begin() as connection:
            yield connection

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[Result]], pharmacy_id: str) -> Result:
        """Return what `work` returns, done in one transaction; once more if the connection broke before the commit.

        Args:
            work: reads and writes; must be harmless when done twice.
            pharmacy_id: as `begin`.

        Raises:
            StoreBusy: as `begin`.
        """
        ready = False

        async def once() -> Result:
            nonlocal ready
            async with self.begin(pharmacy_id) as connection:
                result = await work(connection)
                ready = True
            return result

        try:
            return await once()
        except StoreBusy as error:
            broken = isinstance(error.__cause__, DBAPIError) and error.__cause__.connection_invalidated
            if ready or not broken:
                raise
            return await once()

    async def close(self) -> None:
        """Give all connections back, and the embedded server up."""
        await self.engine.dispose()
        if self.server is not None:
            await asyncio.to_thread(self.server.leave)


async def open_database(settings: Settings) -> Database:
    """Return the migrated database of `settings`, ready to work on as kakari_app.

    Raises:
        ConfigError: it cannot be reached, trusted, migrated or worked on; the message says the place and the fix.
    """
    server = None
    if settings.database_url is None:
        server = EmbeddedServer(settings.home)
        await asyncio.to_thread(server.join)
    address = server.url if server else settings.database_url.get_secret_value() if settings.database_url else ""
    try:
        owner = read_address(address)
        await reach(owner)
        revision = await asyncio.to_thread(migrate, owner)
        engine = app_engine(owner, settings.pool_size)
        await _refuse_powerful(engine, owner)
    except BaseException:
        if server is not None:
            await asyncio.to_thread(server.leave)
        raise
    return Database(engine, owner, settings.pharmacy_id, revision, server)


def app_address(owner: URL) -> URL:
    """Return `owner`'s address for connections that work as kakari_app."""
    return with_options(owner, OPTIONS).update_query_dict({"application_name": "kakari", **KEEPALIVE})


def app_engine(owner: URL, pool_size: int) -> AsyncEngine:
    """Return an engine whose connections work as kakari_app, and for no pharmacy until a transaction says which."""
    engine = create_async_engine(
        app_address(owner),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"connect_timeout": 4},
    )
    try_idle(engine.sync_engine)
    return engine


def is_busy(error: DBAPIError) -> bool:
    """Return whether `error` says that the database cannot serve now, rather than that something is wrong."""
    if getattr(error.orig, "sqlstate", None) is None:  # no server spoke: the connection broke, or none could be made
        return isinstance(error, OperationalError) or error.connection_invalidated
    return tells_busy(error.orig)


def tells_busy(error: object) -> bool:
    """Return whether a server's own word is that it cannot serve now."""
    state = getattr(error, "sqlstate", None) or ""
    return state in BUSY_STATES or state.startswith("08")


@asynccontextmanager
async def _told_busy() -> AsyncIterator[None]:
    """Tell what the database cannot do now from what is wrong."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreBusy(f"no free database connection within {WAIT_SECONDS} s") from error
    except DBAPIError as error:
        if is_busy(error):
            raise StoreBusy(_reason(error)) from error
        raise


async def _refuse_powerful(engine: AsyncEngine, owner: URL) -> None:
    try:
        async with engine.connect() as connection:
            await connection.run_sync(refuse_powerful)
    except DBAPIError as error:
        await engine.dispose()
        raise ConfigError(f"database {masked(owner)}: cannot work as {APP_ROLE}: {_reason(error)}") from None
    except ConfigError:
        await engine.dispose()
        raise


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
