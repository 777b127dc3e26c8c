"""The role Kakari works as, and what an administrator is told where the owner may not make it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import read_address
from pharmacy.storage.database import open_database

Owner = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def plain_owner_url(empty_database_url: str, server_url: object) -> Iterator[str]:
    """Return the address of an empty database that belongs to a user without any right to make roles."""
    url = read_address(empty_database_url)
    name = f"plain_{url.database}"
    with psycopg.connect(_libpq(empty_database_url), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'plain'").format(sql.Identifier(name)))
        ownership = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        admin.execute(ownership.format(sql.Identifier(str(url.database)), sql.Identifier(name)))
        yield url.set(username=name, password="plain").render_as_string(hide_password=False)
        admin.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(name)))
        admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


async def test_an_owner_who_may_not_make_the_role_is_given_the_commands(plain_owner_url: str) -> None:
    name = read_address(plain_owner_url).username

    with pytest.raises(ConfigError, match=rf"GRANT kakari_app TO {name};"):
        await open_database(Settings(database_url=plain_owner_url))


async def test_with_those_commands_run_a_plain_owner_is_enough(plain_owner_url: str, empty_database_url: str) -> None:
    name = str(read_address(plain_owner_url).username)
    with psycopg.connect(_libpq(empty_database_url), autocommit=True) as admin:
        admin.execute("DO $$ BEGIN CREATE ROLE kakari_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        admin.execute(sql.SQL("GRANT kakari_app TO {}").format(sql.Identifier(name)))

    opened = await open_database(Settings(database_url=plain_owner_url))

    await opened.close()


async def test_a_role_with_too_much_power_is_refused(database_url: str, owner: Owner) -> None:
    owner.execute("ALTER ROLE kakari_app BYPASSRLS")
    try:
        with pytest.raises(ConfigError, match="ALTER ROLE kakari_app NOSUPERUSER NOBYPASSRLS"):
            await open_database(Settings(database_url=database_url))
    finally:
        owner.execute("ALTER ROLE kakari_app NOBYPASSRLS")


def test_the_role_may_use_tables_made_later_and_make_none(database_url: str, owner: Owner) -> None:
    owner.execute("CREATE TABLE later (id bigserial PRIMARY KEY, word text)")
    owner.execute("SET ROLE kakari_app")

    owner.execute("INSERT INTO later (word) VALUES ('a')")
    owner.execute("UPDATE later SET word = 'b'")
    owner.execute("DELETE FROM later")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("CREATE TABLE mine (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("DROP TABLE later")


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql", 1)
