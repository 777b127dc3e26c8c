"""Opening the database: what is refused, how it works, and what a busy one answers."""

import asyncio
import socket
import time
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.open_transactions import open_transactions
from pharmacy.storage.refusals import StoreBusy

pytestmark = pytest.mark.timed

Owner = psycopg.Connection[tuple[object, ...]]


def at(url: str, pool_size: int = 5) -> Settings:
    return Settings(database_url=url, pool_size=pool_size)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("mysql://u:hunter2@h/d", "'mysql' is no PostgreSQL", id="another-scheme"),
        pytest.param("sqlite:///kakari.db", "'sqlite' is no PostgreSQL", id="a-file"),
        pytest.param("nonsense", "cannot be read", id="no-address"),
        pytest.param("postgresql://u:hunter2@h:port/d", "cannot be read", id="a-port-of-letters"),
        pytest.param("postgresql://u:hunter2@h:5432", "names no database", id="no-database"),
        pytest.param("postgresql://u:hunter2@127.0.0.1:1/d", "refused", id="nobody-listens"),
        pytest.param("postgresql://u:hunter2@nowhere.invalid/d", "nowhere.invalid", id="an-unknown-host"),
    ],
)
async def test_a_wrong_address_is_named_within_five_seconds_without_its_password(url: str, told: str) -> None:
    began = time.monotonic()

    with pytest.raises(ConfigError, match=told) as refused:
        await open_database(at(url))

    assert time.monotonic() - began <= 5
    assert "hunter2" not in str(refused.value)


async def test_a_host_that_never_answers_is_named_within_five_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()

        with pytest.raises(ConfigError, match=r"no answer within 4 s|timeout"):
            await open_database(at(f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/d"))

    assert time.monotonic() - began <= 5.5


async def test_a_wrong_password_is_refused_and_not_shown(database_url: str) -> None:
    wrong = read_address(database_url).set(password="hunter2").render_as_string(hide_password=False)

    with pytest.raises(ConfigError, match="password authentication failed") as refused:
        await open_database(at(wrong))

    assert "hunter2" not in str(refused.value)


async def test_a_missing_database_is_named(database_url: str) -> None:
    missing = read_address(database_url).set(database="nobody_made_this").render_as_string(hide_password=False)

    with pytest.raises(ConfigError, match='database "nobody_made_this" does not exist'):
        await open_database(at(missing))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_each_common_scheme_is_taken(database_url: str, scheme: str) -> None:
    opened = await open_database(at(database_url.replace("postgresql+psycopg", scheme, 1)))

    await opened.close()


async def test_work_is_done_as_kakari_app_and_nothing_gives_the_owner_back(database: Database) -> None:
    async with database.begin_without_pharmacy() as connection:
        await connection.execute(text("RESET ROLE"))
        row = (await connection.execute(text("SELECT current_user, current_setting('is_superuser')"))).one()

    assert tuple(row) == ("kakari_app", "off")


async def test_the_address_is_shown_without_its_password(database: Database) -> None:
    assert str(database.owner.password) not in database.url_masked
    assert "***" in database.url_masked


@pytest.mark.parametrize("name", ["synchronous_commit"])
async def test_a_forgetful_database_is_refused(database_url: str, owner: Owner, name: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} SET {} = off")
    owner.execute(statement.format(sql.Identifier(owner.info.dbname), sql.Identifier(name)))

    with pytest.raises(ConfigError, match=rf"{name} is off.*ALTER SYSTEM SET {name} = on"):
        await open_database(at(database_url))


async def test_a_lock_is_waited_for_one_second_and_then_the_store_is_busy(database: Database, owner: Owner) -> None:
    owner.execute("CREATE TABLE held (id int); INSERT INTO held VALUES (1); GRANT ALL ON held TO kakari_app")
    with owner.transaction():
        owner.execute("LOCK TABLE held")
        began = time.monotonic()

        with pytest.raises(StoreBusy, match="lock timeout"):
            await write(database, "UPDATE held SET id = 2")

    assert 0.9 <= time.monotonic() - began <= 1.6


async def test_an_exhausted_pool_is_waited_for_one_second_and_then_the_store_is_busy(database_url: str) -> None:
    opened = await open_database(at(database_url, pool_size=2))
    async with opened.begin_without_pharmacy() as first, opened.begin_without_pharmacy() as second:
        await first.execute(text("SELECT 1"))
        await second.execute(text("SELECT 1"))
        began = time.monotonic()

        with pytest.raises(StoreBusy, match="no free database connection"):
            await write(opened, "SELECT 1")

    assert 0.9 <= time.monotonic() - began <= 1.6
    await opened.close()


@pytest.mark.parametrize(
    "limit", ["transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
)
async def test_a_connection_that_the_server_ended_for_its_slowness_is_a_busy_store(
    database: Database, owner: Owner, limit: str
) -> None:
    (server,) = owner.execute("SELECT current_setting('server_version_num')::int").fetchone() or (0,)
    if limit == "transaction_timeout" and int(str(server)) < 170000:
        pytest.skip("PostgreSQL has known transaction_timeout since 17")
    way_in = database.look if limit == "idle_session_timeout" else database.begin_without_pharmacy

    async def dawdle() -> None:
        async with way_in() as connection:
            await connection.execute(text(f"SET {limit} = '50ms'"))
            await asyncio.sleep(0.3)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreBusy):
        await dawdle()


async def test_a_mistake_in_a_statement_is_no_busy_store(database: Database) -> None:
    with pytest.raises(Exception, match="syntax error") as failed:
        await write(database, "SELEC 1")

    assert not isinstance(failed.value, StoreBusy)


async def test_a_transaction_whose_connection_breaks_is_done_once_more(database: Database, owner: Owner) -> None:
    owner.execute("CREATE TABLE jottings (word text); GRANT ALL ON jottings TO kakari_app")
    tries: list[int] = []

    async def work(connection: Any) -> str:
        tries.append((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        await connection.execute(text("INSERT INTO jottings VALUES ('once')"))
        if len(tries) == 1:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [tries[0]])
        await connection.execute(text("SELECT 1"))
        return "done"

    assert await database.transact(work, database.pharmacy_id) == "done"

    assert len(tries) == 2
    assert owner.execute("SELECT count(*) FROM jottings").fetchone() == (1,)


async def test_a_transaction_that_raises_writes_nothing(database: Database, owner: Owner) -> None:
    owner.execute("CREATE TABLE jottings (word text); GRANT ALL ON jottings TO kakari_app")

    async def work(connection: Any) -> None:
        await connection.execute(text("INSERT INTO jottings VALUES ('never')"))
        raise KeyError("of the caller's own")

    with pytest.raises(KeyError):
        await database.transact(work, database.pharmacy_id)

    assert owner.execute("SELECT count(*) FROM jottings").fetchone() == (0,)


async def test_errors_do_not_show_the_values_of_a_statement(database: Database, owner: Owner) -> None:
    owner.execute("CREATE TABLE names (name text PRIMARY KEY); GRANT ALL ON names TO kakari_app")

    async def twice() -> None:
        for _ in range(2):
            async with database.begin_without_pharmacy() as connection:
                await connection.execute(text("INSERT INTO names VALUES (:name)"), {"name": "canary"})

    with pytest.raises(Exception, match="duplicate key") as failed:
        await twice()

    assert "[parameters: hidden]" in str(failed.value) or "hide_parameters" in str(failed.value)


async def test_a_transaction_that_stands_open_is_named(database: Database, owner: Owner) -> None:
    with owner.transaction():
        owner.execute("SELECT 1")
        await asyncio.sleep(0.3)

        found = await open_transactions(database.owner, longer_than_seconds=0.2)

    assert [transaction.pid for transaction in found] == [owner.info.backend_pid]
    assert found[0].state == "idle in transaction"


async def test_the_libpq_form_keeps_options_with_spaces(database: Database) -> None:
    connection = await psycopg.AsyncConnection.connect(libpq(database.app_url))

    row = await (await connection.execute("SELECT current_user, current_setting('lock_timeout')")).fetchone()

    await connection.close()
    assert row == ("kakari_app", "1s")


async def write(database: Database, statement: str) -> None:
    async with database.begin_without_pharmacy() as connection:
        await connection.execute(text(statement))
