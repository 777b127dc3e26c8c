"""Bring a database to this program's schema, once, however many processes start together."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from pharmacy.domain.errors import ConfigError
from pharmacy.storage.durability import refuse_forgetful
from pharmacy.storage.roles import make_role
from pharmacy.storage.vectors import make_extension

SCRIPTS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x6B616B617269
LOCK_SECONDS = 120


def migrate(owner: URL) -> str:
    """Check the server and bring its schema up to date, as its owner; return the schema's revision. Blocks.

    All of it is one transaction: a process killed in the middle leaves the old schema.

    Raises:
        ConfigError: the server may lose commits, the schema is newer than this program, or the owner may not change it.
    """
    engine = create_engine(owner, poolclass=NullPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            refuse_forgetful(connection)
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL client_min_messages = warning"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            make_role(connection)
            make_extension(connection)
            return _upgrade(connection)
    except (OperationalError, ProgrammingError) as error:
        raise ConfigError(f"database: the schema cannot be made: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def newest_revision() -> str:
    """Return the revision of the schema that this program knows."""
    return str(ScriptDirectory(str(SCRIPTS)).get_current_head())


def _upgrade(connection: Connection) -> str:
    scripts = ScriptDirectory(str(SCRIPTS))
    head = str(scripts.get_current_head())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return head
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigError(
            f"database: schema at revision {current!r} is newer than this program knows ({head!r}); upgrade Kakari"
        )
    configuration = Config()
    configuration.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
    return head
