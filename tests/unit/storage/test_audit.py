"""The audit trail: added to and never changed by the program, and verified from its first row to its noted head."""

import asyncio

import psycopg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from pharmacy.storage import audit, audit_verify
from pharmacy.storage.audit_verify import Head
from pharmacy.storage.database import Database
from pharmacy.storage.tables import audit as trail


async def _written(database: Database, rows: int, pharmacy_id: str | None = None) -> None:
    async with database.begin(pharmacy_id or database.pharmacy_id) as tx:
        for number in range(rows):
            whose = pharmacy_id or database.pharmacy_id
            await audit.append(tx, whose, "key:test", "product_put", f"p{number}", {"fields": ["語"], "n": number})


async def _verdict(database: Database, known: Head | None = None) -> audit_verify.Verdict:
    async with database.begin(database.pharmacy_id) as tx:
        return await audit_verify.verify(tx, database.pharmacy_id, known=known)


async def test_an_untouched_chain_holds_to_its_head(database: Database) -> None:
    await _written(database, 30)

    verdict = await _verdict(database)

    async with database.begin(database.pharmacy_id) as tx:
        assert verdict == audit_verify.Verdict(30, await audit_verify.head(tx, database.pharmacy_id), None)


async def test_each_pharmacy_has_a_chain_of_its_own(database: Database) -> None:
    await _written(database, 3)
    await _written(database, 5, "sakura")

    async with database.begin("sakura") as tx:
        verdict = await audit_verify.verify(tx, "sakura")

    assert (verdict.rows, verdict.broken) == (5, None)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE audit SET actor = 'x'", id="change"),
        pytest.param("DELETE FROM audit", id="delete"),
        pytest.param("TRUNCATE audit", id="truncate"),
        pytest.param("UPDATE audit_heads SET hash = 'x'", id="change-what-was-noted"),
        pytest.param("DELETE FROM audit_heads", id="delete-what-was-noted"),
        pytest.param("INSERT INTO audit_heads VALUES ('default', 9, 'x')", id="note-something-else"),
    ],
)
async def test_the_program_itself_cannot(database: Database, statement: str) -> None:
    await _written(database, 1)

    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin(database.pharmacy_id) as tx:
            await tx.execute(text(statement))


async def test_the_program_can_add_no_row_but_the_next(database: Database) -> None:
    await _written(database, 2)
    row = {"pharmacy_id": database.pharmacy_id, "seq": 4, "at": text("now()"), "actor": "a", "action": "b",
           "subject": "c", "body": {}, "previous_hash": "0" * 64, "hash": "1" * 64}  # fmt: skip

    with pytest.raises(DBAPIError, match="row 4 does not follow row 2"):
        async with database.begin(database.pharmacy_id) as tx:
            await tx.execute(insert(trail).values(**row))


async def test_rows_taken_off_the_end_are_missed(
    database: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await _written(database, 10)

    owner.execute("DELETE FROM audit WHERE seq > 7")

    broken = (await _verdict(database)).broken
    assert broken is not None
    assert (broken.seq, broken.says) == (8, "it is missing: its hash was noted when it was written")


async def test_a_head_noted_elsewhere_shows_what_an_owner_of_the_database_took_away(
    database: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await _written(database, 10)
    async with database.begin(database.pharmacy_id) as tx:
        noted = await audit_verify.head(tx, database.pharmacy_id)

    for table in ("audit", "audit_heads"):
        owner.execute(f"DELETE FROM {table} WHERE seq > 7")

    assert (await _verdict(database)).broken is None
    broken = (await _verdict(database, noted)).broken
    assert broken is not None
    assert (broken.seq, broken.says) == (8, "it is missing: the chain once reached row 10")


async def test_a_head_noted_elsewhere_shows_a_chain_that_was_written_anew(
    database: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await _written(database, 4)
    async with database.begin(database.pharmacy_id) as tx:
        noted = await audit_verify.head(tx, database.pharmacy_id)
    for table in ("audit", "audit_heads"):
        owner.execute(f"TRUNCATE {table}")

    await _written(database, 6)

    assert (await _verdict(database)).broken is None
    broken = (await _verdict(database, noted)).broken
    assert broken is not None
    assert broken.seq == 4
    assert broken.says.startswith("it was written anew: its hash was ")


async def test_a_walk_may_go_on_from_an_earlier_one(database: Database) -> None:
    await _written(database, 3)
    first = await _verdict(database)
    await _written(database, 2)

    async with database.begin(database.pharmacy_id) as tx:
        verdict = await audit_verify.verify(tx, database.pharmacy_id, since=first.head)

    assert (verdict.rows, verdict.broken) == (5, None)


@pytest.mark.parametrize("words", ["", "5", "5:", "x:" + "0" * 64, "5:" + "0" * 63, "5:" + "G" * 64])
def test_a_head_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="expected SEQ:HASH"):
        Head.read(words)


async def test_what_is_appended_together_stands_in_its_order_and_after_the_body(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await audit.append(tx, database.pharmacy_id, "key:test", "product_put", "first", {})
        async with audit.together(tx):
            for number in range(3):
                await audit.append(tx, database.pharmacy_id, "key:test", "product_put", f"p{number}", {"n": number})
            before = (await tx.execute(select(trail.c.subject))).scalars().all()
        after = (await tx.execute(select(trail.c.subject).order_by(trail.c.seq))).scalars().all()

    assert (before, after) == (["first"], ["first", "p0", "p1", "p2"])
    assert (await _verdict(database)).broken is None


async def test_of_many_writers_at_once_every_row_follows_the_one_before_and_none_is_dated_earlier(
    database: Database,
) -> None:
    await asyncio.gather(*(_written(database, 2) for _ in range(15)))

    async with database.begin(database.pharmacy_id) as tx:
        dated = (await tx.execute(select(trail.c.at).order_by(trail.c.seq))).scalars().all()
    assert len(dated) == 30
    assert dated == sorted(dated)
    assert (await _verdict(database)).broken is None
