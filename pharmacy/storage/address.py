"""The database's address: read, checked, shown without its password, and reached within seconds."""

import asyncio

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pharmacy.domain.errors import ConfigError

FORM = "postgresql://user:password@host:5432/name"
SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
REACH_SECONDS = 4.0
SECRET_OPTIONS = ("password", "sslpassword")


def read_address(given: str) -> URL:
    """Return DATABASE_URL as SQLAlchemy's URL for psycopg.

    Raises:
        ConfigError: it is no address of a PostgreSQL database.
    """
    try:
        url = make_url(given.strip())
    except (ArgumentError, ValueError):
        raise ConfigError(f"DATABASE_URL: cannot be read; {FORM} is expected") from None
    if url.drivername not in SCHEMES:
        raise ConfigError(f"DATABASE_URL={masked(url)!r}: {url.drivername!r} is no PostgreSQL; {FORM} is expected")
    if not url.database:
        raise ConfigError(f"DATABASE_URL={masked(url)!r}: names no database; {FORM} is expected")
    return url.set(drivername="postgresql+psycopg")


def masked(url: URL) -> str:
    """Return `url` as it may be shown: without its password."""
    hidden = {name: "***" for name in SECRET_OPTIONS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def with_options(url: URL, options: str) -> URL:
    """Return `url` with server options added to the ones it has."""
    given = url.query.get("options", "")
    before = given if isinstance(given, str) else " ".join(given)
    return url.update_query_dict({"options": f"{before} {options}".strip()})


def libpq(url: URL) -> str:
    """Return `url` in the form that psycopg reads: `host=… dbname=…`."""
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    options = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    return make_conninfo(**{name: str(value) for name, value in parts.items() if value is not None} | options)


async def reach(url: URL) -> None:
    """Make sure that the database answers.

    Raises:
        ConfigError: it does not within seconds; the message names the place and what is wrong.
    """
    try:
        async with asyncio.timeout(REACH_SECONDS + 0.5):
            connection = await psycopg.AsyncConnection.connect(libpq(url), connect_timeout=int(REACH_SECONDS))
            await connection.close()
    except TimeoutError:
        raise ConfigError(f"database {masked(url)}: no answer within {REACH_SECONDS:g} s") from None
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"database {masked(url)}: {_without(url, reason)}") from None


def _without(url: URL, reason: str) -> str:
    return reason.replace(str(url.password), "***") if url.password else reason
