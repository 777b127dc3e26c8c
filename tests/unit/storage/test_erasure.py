"""An erased patient leaves nothing behind, and nobody else loses anything."""

import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pharmacy.storage import audit_verify, erasure, erasure_index
from pharmacy.storage.database import Database
from pharmacy.storage.tables import audit as trail
from pharmacy.storage.tables import metadata
from tests.unit.storage.planting import WALLED, found, plant

Owner = psycopg.Connection[tuple[object, ...]]


def test_every_table_behind_the_wall_says_whose_its_rows_are_or_why_they_are_nobodys(owner: Owner) -> None:
    walled = {str(name) for (name,) in owner.execute(WALLED).fetchall()}

    unlinked = {
        name for name in walled - erasure.KEPT_WHOLE.keys() - {"patients"}
        if not erasure.LINKS & {column.name for column in metadata.tables[name].c}
    }  # fmt: skip

    assert unlinked == set()
    assert erasure.KEPT_WHOLE.keys() <= walled


async def test_no_table_keeps_a_word_of_an_erased_patient(database: Database, owner: Owner) -> None:
    planted = plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    job = "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args) VALUES ('reply', 'reply', %s, %s)"
    owner.execute(job, ["reply:default:c-CANARY-ONE", '{"pharmacy_id": "default", "conversation_id": "c-CANARY-ONE"}'])
    assert found(owner, "CANARY-ONE").keys() == planted | {"procrastinate_jobs"}

    started = time.monotonic()
    erased = await erasure.erase(database, database.pharmacy_id, "p-1", "test")

    assert time.monotonic() - started < 60
    assert found(owner, "CANARY-ONE") == {}
    assert erased.rows == dict.fromkeys(planted, 1)
    assert erased.jobs == 1


async def test_nobody_else_loses_a_row(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    neighbour = plant(owner, database.pharmacy_id, "p-2", "CANARY-TWO")
    elsewhere = plant(owner, "elsewhere", "p-1", "CANARY-THREE")

    await erasure.erase(database, database.pharmacy_id, "p-1", "test")

    assert found(owner, "CANARY-TWO") == dict.fromkeys(neighbour, 1)
    assert found(owner, "CANARY-THREE") == dict.fromkeys(elsewhere, 1)


async def test_the_audit_trail_tells_of_it_by_a_hash_and_still_holds(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-secret", "CANARY-ONE")

    erased = await erasure.erase(database, database.pharmacy_id, "p-secret", "key:admin")

    async with database.begin(database.pharmacy_id) as tx:
        row = (await tx.execute(select(trail).where(trail.c.action == "patient_erased"))).one()
        assert await audit_verify.broken_at(tx, database.pharmacy_id) is None
    assert (row.actor, row.subject) == ("key:admin", erased.reference)
    assert "p-secret" not in str(row)


async def test_erasing_again_finds_nothing_and_says_when_it_was_done(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    first = await erasure.erase(database, database.pharmacy_id, "p-1", "test")

    again = await erasure.erase(database, database.pharmacy_id, "p-1", "test")

    assert (first.before, again.found_anything) == (None, False)
    assert again.before is not None


async def test_an_erased_event_that_is_repeated_does_not_come_back(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    await erasure.erase(database, database.pharmacy_id, "p-1", "test")

    owner.execute(
        "INSERT INTO inbox (pharmacy_id, event_id, channel, raw, raw_hash, message_id)"
        " VALUES (%s, 'CANARY-ONE', 'api', '', '', '')",
        [database.pharmacy_id],
    )

    assert found(owner, "CANARY-ONE") == {}


@pytest.mark.parametrize("table", ["audit", "audit_heads", "products", "erased_events", "pharmacies"])
async def test_the_database_erases_nothing_that_is_no_patients(database: Database, table: str) -> None:
    with pytest.raises(DBAPIError, match="kakari_erase_rows"):
        async with database.begin(database.pharmacy_id) as tx:
            await tx.execute(text("SELECT kakari_erase_rows(:of, 'p-1')"), {"of": table})


async def test_the_program_itself_cannot_take_an_erased_event_off_the_list(database: Database) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin(database.pharmacy_id) as tx:
            await tx.execute(text("DELETE FROM erased_events"))


async def test_who_was_erased_is_erased_again_after_a_backup_brought_them_back(
    database: Database, owner: Owner, tmp_path: Path
) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    erasure_index.note(tmp_path, database.pharmacy_id, erasure.reference_of(database.pharmacy_id, "p-1"))
    await erasure.erase(database, database.pharmacy_id, "p-1", "test")
    owner.execute("TRUNCATE erased_events")
    plant(owner, database.pharmacy_id, "p-1", "CANARY-ONE")
    neighbour = plant(owner, database.pharmacy_id, "p-2", "CANARY-TWO")

    noted = erasure_index.noted(tmp_path, database.pharmacy_id)
    count = await erasure_index.erase_again(database, database.pharmacy_id, noted, "test")

    assert count == 1
    assert found(owner, "CANARY-ONE") == {}
    assert found(owner, "CANARY-TWO").keys() == neighbour
    assert "p-1" not in (tmp_path / erasure_index.NAME).read_text()
