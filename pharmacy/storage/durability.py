"""What a server must be before anything is acknowledged on it: new enough, and never losing a commit."""

from sqlalchemy import Connection, text

from pharmacy.domain.errors import ConfigError

OLDEST_VERSION = 15
NEEDED = ("fsync", "synchronous_commit", "full_page_writes")


def refuse_forgetful(connection: Connection) -> None:
    """Refuse a server that may lose what it has acknowledged.

    Raises:
        ConfigError: fsync, synchronous_commit or full_page_writes is off, or the server is too old.
    """
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < OLDEST_VERSION:
        raise ConfigError(f"database: PostgreSQL {version} is too old; {OLDEST_VERSION} or newer is expected")
    for name in NEEDED:
        if connection.execute(text(f"SHOW {name}")).scalar_one() == "off":
            raise ConfigError(
                f"database: {name} is off, so an acknowledged message could be lost; run as an administrator: "
                f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"
            )
