"""Plant a patient's rows, with a canary in every text-like column, in every table that may hold a patient's."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pharmacy.storage.erasure import KEPT_WHOLE
from pharmacy.storage.tables import metadata

_NUMBERS = itertools.count(1)

WALLED = "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE relrowsecurity ORDER BY relname"


def plant(owner: psycopg.Connection[Any], pharmacy_id: str, patient_id: str, canary: str) -> set[str]:
    """Write one row of the patient into each table; return the tables' names."""
    links = {"pharmacy_id": pharmacy_id, "patient_id": patient_id, "conversation_id": f"c-{canary}",
             "message_id": f"m-{canary}", "user_id": f"u-{canary}", "channel": "api"}  # fmt: skip
    planted = [table for table in metadata.sorted_tables if "pharmacy_id" in table.c and table.name not in KEPT_WHOLE]
    asked = _asked(owner, pharmacy_id)
    for table in planted:
        own = {"patients": patient_id, "conversations": links["conversation_id"], "messages": links["message_id"]}
        given = [column for column in table.c if column.identity is None and column.computed is None]
        row = {column.name: _value(column, canary) for column in given}
        row |= {name: value for name, value in links.items() if name in table.c}
        row |= {"id": own[table.name]} if table.name in own else {}
        if table.name in ("dataset_rows", "evaluation_answers"):  # the second answers the first
            row |= {name: value for name, value in asked.items() if name in table.c}
        _insert(owner, table, row)
    return {table.name for table in planted}


def found(owner: psycopg.Connection[Any], canary: str) -> dict[str, int]:
    """Return every table of the database in which the canary stands, in words or in bytes, and in how many rows."""
    every = [
        name for (name,) in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    ]
    counts = {name: _count(owner, name, [canary, canary.encode().hex()]) for name in every}
    return {name: count for name, count in counts.items() if count}


def _count(owner: psycopg.Connection[Any], table: str, words: Sequence[str]) -> int:
    look = sql.SQL("SELECT count(*) FROM {} AS t WHERE t::text LIKE ANY(%s)").format(sql.Identifier(table))
    (count,) = owner.execute(look, [[f"%{word}%" for word in words]]).fetchone() or (0,)
    return int(count)


def _asked(owner: psycopg.Connection[Any], pharmacy_id: str) -> dict[str, Any]:
    """Write an evaluation, which holds nothing of a patient; return what an answer in it names."""
    evaluation_id, version = uuid4(), f"v-{next(_NUMBERS)}"
    row = {"pharmacy_id": pharmacy_id, "id": evaluation_id, "key": "k", "node": "classify", "version": version,
           "asked": psycopg.types.json.Jsonb({}), "begun_by": "test"}  # fmt: skip
    _insert(owner, metadata.tables["evaluations"], row)
    return {"evaluation_id": evaluation_id, "version": version, "place": 0}


def _value(column: Column[Any], canary: str) -> Any:
    of = column.type
    if isinstance(of, JSONB):
        return psycopg.types.json.Jsonb({"deep": [{"er": canary}]})
    if isinstance(of, ARRAY):
        return [canary] if isinstance(of.item_type, Text) else [1.0]
    if isinstance(of, LargeBinary):
        return canary.encode()
    if isinstance(of, Uuid):
        return None if column.foreign_keys else uuid4()
    if isinstance(of, DateTime):
        return datetime.now(UTC)
    if isinstance(of, Boolean):
        return False
    if isinstance(of, Integer | BigInteger | Double):
        return next(_NUMBERS)
    assert isinstance(of, Text), f"{column}: plant a canary in a column of type {of!r}"
    return canary


def _insert(owner: psycopg.Connection[Any], table: Table, row: dict[str, Any]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in row)
    places = sql.SQL(", ").join(sql.Placeholder() for _ in row)
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table.name), names, places)
    owner.execute(statement, list(row.values()))
