"""What one pharmacy keeps is out of another's sight, whatever the query asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Column, Table, select, text
from sqlalchemy.exc import DBAPIError

from pharmacy.settings import Settings
from pharmacy.storage import access, people
from pharmacy.storage.database import Database, Transaction, open_database
from pharmacy.storage.tables import api_keys, metadata, patients
from pharmacy.storage.walls import SETTING


async def test_every_table_of_a_pharmacy_stands_behind_the_wall(database: Database) -> None:
    of_a_pharmacy = {table.name for table in metadata.tables.values() if "pharmacy_id" in table.c}

    async with database.begin_without_pharmacy() as tx:
        walled = "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE relrowsecurity"
        found = set((await tx.execute(text(walled))).scalars())

    assert found == of_a_pharmacy


WALLED = [table for table in metadata.sorted_tables if "pharmacy_id" in table.c]

_ID = uuid4()
"""The same in every table: a row may name another's."""


def _value(column: Column[Any]) -> Any:
    kind = str(column.type).upper().split("(")[0]
    if column.name == "pharmacy_id":
        return "sakura"
    if kind in ("CHAR", "UUID"):
        return _ID
    if kind in ("DATETIME", "TIMESTAMP"):
        return datetime.now(UTC)
    return {"JSONB": "{}", "BLOB": b"c", "BOOLEAN": False}.get(kind, "c" if kind == "TEXT" else 1)


def _row(table: Table) -> dict[str, Any]:
    """Return a row of sakura's with a value in every column that needs one."""
    needed = [c for c in table.c if not c.nullable and c.server_default is None and c.identity is None]
    return {column.name: _value(column) for column in needed}


def _insert(table: Table) -> sql.Composed:
    names = list(_row(table))
    columns, blanks = sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(map(sql.Placeholder, names))
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table.name), columns, blanks)


def _touched(owner: psycopg.Connection[Any], statement: str, table: Table) -> int:
    """Return how many rows a statement touches; none where the role may not run it at all."""
    named = sql.SQL(statement).format(table=sql.Identifier(table.name))  # type: ignore[arg-type]
    try:
        with owner.transaction(force_rollback=True):
            return owner.execute(named).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0


def test_the_role_neither_sees_nor_changes_nor_adds_another_pharmacys_rows(owner: psycopg.Connection[Any]) -> None:
    everything = ("SELECT 1 FROM {table}", "UPDATE {table} SET pharmacy_id = pharmacy_id", "DELETE FROM {table}")
    for table in WALLED:
        owner.execute(_insert(table), _row(table))
    owner.execute("SET ROLE kakari_app")
    seen: dict[str, dict[str, list[int]]] = {}
    added = []

    for pharmacy in ("momiji", "", "sakura"):
        owner.execute("SELECT set_config(%s, %s, false)", (SETTING, pharmacy))
        asked = everything[:1] if pharmacy == "sakura" else everything
        seen[pharmacy] = {table.name: [_touched(owner, each, table) for each in asked] for table in WALLED}
        for table in WALLED if pharmacy == "momiji" else []:
            with suppress(psycopg.errors.InsufficientPrivilege):
                owner.execute(_insert(table), _row(table))
                added.append(table.name)

    assert len(WALLED) >= 20
    assert {name for name, counts in seen["momiji"].items() if any(counts)} == set()
    assert {name for name, counts in seen[""].items() if any(counts)} == set()
    assert {name for name, counts in seen["sakura"].items() if counts[0] < 1} == set()
    assert added == []


async def test_a_query_without_a_condition_finds_the_own_rows_only(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await people.put_patient(tx, database.pharmacy_id, "tanaka", {})
    async with database.begin("sakura") as tx:
        await people.put_patient(tx, "sakura", "sato", {})

        found = list((await tx.execute(select(patients.c.id))).scalars())

    assert found == ["sato"]


async def test_a_row_of_another_pharmacy_cannot_be_written(database: Database) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.begin("sakura") as tx:
            await people.put_patient(tx, "momiji", "sato", {})


async def test_a_transaction_that_names_no_pharmacy_sees_nothing(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await people.put_patient(tx, database.pharmacy_id, "tanaka", {})
        await tx.execute(text(f"SET LOCAL {SETTING} = ''"))

        assert list((await tx.execute(select(patients.c.id))).scalars()) == []


async def test_whoever_names_no_pharmacy_reads_and_writes_nothing(
    settings: Settings, owner: psycopg.Connection[Any]
) -> None:
    for table in WALLED:
        owner.execute(_insert(table), _row(table))
    found, taken = {}, []

    async with _opened(settings, "sakura") as database:
        async with database.begin_without_pharmacy() as tx:
            for table in WALLED:
                found[table.name] = len((await tx.execute(select(table.c.pharmacy_id))).all())
        for table in WALLED:
            with suppress(DBAPIError):
                async with database.begin_without_pharmacy() as tx:
                    await tx.exec_driver_sql(_insert(table).as_string(), _row(table))
                taken.append(table.name)

    assert {name for name, rows in found.items() if rows} == set()
    assert taken == []


async def test_the_pharmacy_has_to_be_named(database: Database) -> None:
    with pytest.raises(TypeError, match="pharmacy_id"):
        database.begin()  # type: ignore[call-arg]
    with pytest.raises(DBAPIError):
        async with database.begin(None):  # type: ignore[arg-type]
            pass


async def _commits(database: Database) -> None:
    async with database.begin("sakura") as tx:
        await people.put_patient(tx, "sakura", "sato", {})


async def _breaks_off(database: Database) -> None:
    await _commits(database)
    with suppress(KeyError):
        async with database.begin("sakura"):
            raise KeyError


async def _comes_with_a_key(database: Database) -> None:
    async with database.begin("sakura") as tx:
        key = await access.create_key(tx, "sakura", "shop", "test")
    async with database.begin_without_pharmacy() as tx:
        assert await access.caller_of_key(tx, key) is not None


async def _looks_with_a_key(database: Database) -> None:
    async with database.begin("sakura") as tx:
        key = await access.create_key(tx, "sakura", "shop", "test")
    async with database.look() as connection:
        assert await access.caller_of_key(connection, key) is not None
        assert await _seen(connection) == []


@pytest.mark.parametrize("before", [_commits, _breaks_off, _comes_with_a_key, _looks_with_a_key])
async def test_a_connection_given_back_carries_no_pharmacy_into_the_next_transaction(
    settings: Settings, before: Callable[[Database], Awaitable[None]]
) -> None:
    async with _opened(settings, "sakura", pool_size=1) as database:
        async with database.begin_without_pharmacy() as tx:
            connection = await _process(tx)
        await _commits(database)

        await before(database)

        async with database.begin_without_pharmacy() as tx:
            assert await _process(tx) == connection
            assert await _seen(tx) == []
        async with database.look() as tx:
            assert await _process(tx) == connection
            assert await _seen(tx) == []
        async with database.begin("momiji") as tx:
            assert await _seen(tx) == []


@asynccontextmanager
async def _opened(settings: Settings, pharmacy_id: str, **more: Any) -> AsyncIterator[Database]:
    """Open the database as the program of that pharmacy does."""
    opened = await open_database(settings.model_copy(update={"pharmacy_id": pharmacy_id, **more}))
    try:
        yield opened
    finally:
        await opened.close()


async def _process(tx: Transaction) -> int:
    pid: int = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    return pid


async def _seen(tx: Transaction) -> list[str]:
    return list((await tx.execute(select(patients.c.id))).scalars())


async def test_a_key_opens_its_own_pharmacy_and_shows_no_other_key(database: Database) -> None:
    async with database.begin("sakura") as tx:
        key = await access.create_key(tx, "sakura", "shop", "test")
    async with database.begin(database.pharmacy_id) as tx:
        await access.create_key(tx, database.pharmacy_id, "shop", "test")

        caller = await access.caller_of_key(tx, key)

        assert caller is not None
        assert caller.pharmacy_id == "sakura"
        assert [row.pharmacy_id for row in await tx.execute(select(api_keys))] == ["sakura"]
