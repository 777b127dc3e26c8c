"""What one pharmacy keeps is out of another's sight, whatever the query asks for."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pharmacy.storage import access, people
from pharmacy.storage.database import Database
from pharmacy.storage.tables import api_keys, metadata, patients
from pharmacy.storage.walls import SETTING


async def test_every_table_of_a_pharmacy_stands_behind_the_wall(database: Database) -> None:
    of_a_pharmacy = {table.name for table in metadata.tables.values() if "pharmacy_id" in table.c}

    async with database.begin() as tx:
        walled = "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE relrowsecurity"
        found = set((await tx.execute(text(walled))).scalars())

    assert found == of_a_pharmacy


async def test_a_query_without_a_condition_finds_the_own_rows_only(database: Database) -> None:
    async with database.begin() as tx:
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
    async with database.begin() as tx:
        await people.put_patient(tx, database.pharmacy_id, "tanaka", {})
        await tx.execute(text(f"SET LOCAL {SETTING} = ''"))

        assert list((await tx.execute(select(patients.c.id))).scalars()) == []


async def test_a_key_opens_its_own_pharmacy_and_shows_no_other_key(database: Database) -> None:
    async with database.begin("sakura") as tx:
        key = await access.create_key(tx, "sakura", "shop", "test")
    async with database.begin() as tx:
        await access.create_key(tx, database.pharmacy_id, "shop", "test")

        caller = await access.caller_of_key(tx, key)

        assert caller is not None
        assert caller.pharmacy_id == "sakura"
        assert [row.pharmacy_id for row in await tx.execute(select(api_keys))] == ["sakura"]
