"""Whoever changes a byte of the audit trail by hand, or takes a row out or puts one in, is found, and the row named."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from pharmacy.storage import audit, audit_verify
from pharmacy.storage.database import Database

ROWS = 40
COLUMNS = ("seq", "pharmacy_id", "at", "actor", "action", "subject", "body", "previous_hash", "hash")
Owner = psycopg.Connection[tuple[object, ...]]


async def _written(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        for n in range(ROWS):
            body = {"version": n, "rules": ["claims.cure"], "nested": {"b": "語"}}
            await audit.append(tx, database.pharmacy_id, f"key:clerk{n}", "product_put", f"product-{n}", body)


async def _found(database: Database) -> int | None:
    async with database.begin(database.pharmacy_id) as tx:
        return await audit_verify.broken_at(tx, database.pharmacy_id)


@dataclass(frozen=True)
class Flip:
    """One bit of one byte of one column of one row, in the form that the database prints."""

    column: str
    row: int
    draw: random.Random

    def sql(self, before: str) -> str | None:
        """Return the value with one bit of one byte turned; None when it is no value of its column any more."""
        at, bit = self.draw.randrange(len(before.encode())), self.draw.randrange(7)
        turned = bytearray(before.encode())
        turned[at] ^= 1 << bit
        try:
            return turned.decode()
        except UnicodeDecodeError:
            return None


def _flip(owner: Owner, flip: Flip) -> bool:
    """Turn one byte; say whether the database took it as another value of that column."""
    found = owner.execute(f"SELECT {flip.column}::text FROM audit WHERE seq = %s", [flip.row]).fetchone()
    assert found is not None
    after = flip.sql(str(found[0]))
    if after is None or "\0" in after:
        return False
    kind = {"seq": "bigint", "at": "timestamptz", "body": "jsonb"}.get(flip.column, "text")
    change = f"UPDATE audit SET {flip.column} = %s::{kind} WHERE seq = %s AND {flip.column} <> %s::{kind}"
    try:
        return owner.execute(change, [after, flip.row, after]).rowcount == 1
    except psycopg.Error:  # no number, no time, no JSON, or the place is taken: another byte is tried
        return False


async def test_one_byte_of_one_row_is_found_in_whichever_column_it_is(
    database: Database, owner: Owner, figure: Callable[..., None]
) -> None:
    await _written(database)
    draw, tried, named = random.Random(20), 0, 0
    owner.execute("CREATE TABLE kept AS SELECT * FROM audit")

    for number in range(20):
        column, row = COLUMNS[number % len(COLUMNS)], draw.randint(1, ROWS)
        while not _flip(owner, Flip(column, row, draw)):
            pass
        tried, named = tried + 1, named + (await _found(database) == row)
        owner.execute("DELETE FROM audit")
        owner.execute("ALTER TABLE audit DISABLE TRIGGER note_audit")
        owner.execute("INSERT INTO audit SELECT * FROM kept")
        owner.execute("ALTER TABLE audit ENABLE TRIGGER note_audit")
        assert await _found(database) is None

    figure("P12", "changed bytes of the audit trail found", measured=f"{named} of {tried}", asked="20 of 20",
           holds=named == tried == 20)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "row"),
    [
        pytest.param("DELETE FROM audit WHERE seq = 7", 7, id="a-row-is-taken-out"),
        pytest.param("DELETE FROM audit WHERE seq = 1", 1, id="the-first-row-is-taken-out"),
        pytest.param("DELETE FROM audit WHERE seq = 40", 40, id="the-last-row-is-taken-out"),
        pytest.param("DELETE FROM audit WHERE seq > 25", 26, id="the-end-is-cut-off"),
        pytest.param("TRUNCATE audit", 1, id="all-of-it-is-gone"),
        pytest.param(
            "DELETE FROM audit WHERE seq = 7; UPDATE audit SET seq = seq - 1000 WHERE seq > 7;"
            "UPDATE audit SET seq = seq + 999 WHERE seq < 0",
            7,
            id="a-row-is-taken-out-and-the-rest-moved-up",
        ),
        pytest.param(
            "UPDATE audit SET seq = -1 WHERE seq = 9; UPDATE audit SET seq = 9 WHERE seq = 8;"
            "UPDATE audit SET seq = 8 WHERE seq = -1",
            8,
            id="two-rows-change-places",
        ),
        pytest.param(
            "INSERT INTO audit SELECT 41, pharmacy_id, at, actor, action, subject, body, hash, hash FROM audit"
            " WHERE seq = 40",
            41,
            id="a-row-is-added-with-a-made-up-hash",
        ),
        pytest.param(
            "UPDATE audit SET seq = seq + 1000 WHERE seq >= 12; INSERT INTO audit SELECT 12, pharmacy_id, at, actor,"
            " action, subject, body, hash, hash FROM audit WHERE seq = 11;"
            "UPDATE audit SET seq = seq - 999 WHERE seq > 1000",
            12,
            id="a-row-is-put-in-between",
        ),
    ],
)
async def test_rows_taken_out_put_in_or_moved_are_found(
    database: Database, owner: Owner, change: str, row: int
) -> None:
    await _written(database)

    for statement in change.split(";"):
        owner.execute(statement)

    assert await _found(database) == row


async def test_a_row_that_is_changed_and_hashed_anew_with_all_that_follow_is_found(
    database: Database, owner: Owner
) -> None:
    await _written(database)
    owner.execute("UPDATE audit SET actor = 'key:somebody' WHERE seq = 30")

    previous = audit.GENESIS
    columns = "seq, pharmacy_id, at, actor, action, subject, body"
    for values in owner.execute(f"SELECT {columns} FROM audit ORDER BY seq").fetchall():
        row = dict(zip(columns.split(", "), values, strict=True))
        hashed = audit.row_hash(row, previous)
        owner.execute("UPDATE audit SET previous_hash = %s, hash = %s WHERE seq = %s", [previous, hashed, row["seq"]])
        previous = hashed

    assert await _found(database) == 30
