"""How long rows are kept: rules in a file, and the work of holding to them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, LargeBinary, Select, Table, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.toml_file import TomlFile
from pharmacy.storage import erasure
from pharmacy.storage.database import Database
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.tables import conversations, metadata

SHIPPED = Path(__file__).with_name("retention.toml")
BATCH = 1000
PATIENTS_AT_ONCE = 20
ACTOR = "retention"
# The law asks for the record of a sale for at least two years; the trail is one chain, and cannot lose its beginning.
NEVER = frozenset({"audit", "audit_heads", "erased_events"})

log = logging.getLogger(__name__)


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    does: Literal["delete", "blank", "erase"]
    since: str
    days: int = Field(ge=1, le=36_500)
    columns: list[str] = Field(default_factory=list)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: dict[str, _Rule]
    kept: dict[str, str]


@dataclass(frozen=True)
class Rule:
    """What becomes of a table's old rows."""

    table: Table
    does: str
    since: Column[Any]
    days: int
    columns: tuple[Column[Any], ...]


def load(path: Path = SHIPPED) -> tuple[Rule, ...]:
    """Return the rules of the file at `path`.

    Raises:
        ConfigError: the file cannot be read, or a rule does not fit its table; every table of a pharmacy is named once.
    """
    toml = TomlFile.read(path)
    file = toml.table((), _File)
    named = [*file.rules, *file.kept]
    for name, table in metadata.tables.items():
        if "pharmacy_id" in table.c and (times := named.count(name)) != 1:
            place = ("rules", name) if name in file.rules else ()
            raise toml.wrong(place, f"table {name!r} is named {times} times; expected once, as rule or kept")
    return tuple(_rule(toml, name, rule) for name, rule in file.rules.items())


async def keep(database: Database, pharmacy_id: str, rules: tuple[Rule, ...]) -> Mapping[str, int]:
    """Return how many rows of each table were deleted, blanked or erased because their time is over.

    Works in small transactions, so that it holds nobody up.

    Raises:
        StoreBusy: the database cannot serve now; what was done stays done.
    """
    done = {}
    for rule in rules:
        work = _erase_old if rule.does == "erase" else _in_batches
        if count := await work(database, pharmacy_id, rule):
            done[rule.table.name] = count
    return done


async def _in_batches(database: Database, pharmacy_id: str, rule: Rule) -> int:
    total = 0
    while True:
        async with database.begin(pharmacy_id) as tx:
            count = await _batch(tx, rule)
        total += count
        if count < BATCH:
            return total


async def _batch(tx: AsyncConnection, rule: Rule) -> int:
    if rule.table.name == "inbox":  # takes no update but through this
        blanked = text("SELECT kakari_blank_inbox(now() - make_interval(days => :days))")
        await tx.execute(blanked, {"days": rule.days})
        return 0
    old = f"{rule.since.name} < now() - make_interval(days => :days)"
    if rule.does == "blank":
        # A row that is blank already is done with.
        old += (
            " AND (" + " OR ".join(f"{column.name} IS DISTINCT FROM {_blank(column)}" for column in rule.columns) + ")"
        )
    some = f"SELECT ctid FROM {rule.table.name} WHERE {old} LIMIT {BATCH}"  # noqa: S608
    values = ", ".join(f"{column.name} = {_blank(column)}" for column in rule.columns)
    # Every name is one of our own tables' or columns': `_rule` has seen to it.
    does = f"UPDATE {rule.table.name} SET {values}" if rule.does == "blank" else f"DELETE FROM {rule.table.name}"  # noqa: S608
    done = await tx.execute(text(f"{does} WHERE ctid = ANY (ARRAY({some}))"), {"days": rule.days})
    return int(done.rowcount)


def _blank(column: Column[Any]) -> str:
    if column.nullable:
        return "NULL"
    return (
        "'{}'::jsonb"
        if isinstance(column.type, JSONB)
        else "''::bytea"
        if isinstance(column.type, LargeBinary)
        else "''"
    )


async def _erase_old(database: Database, pharmacy_id: str, rule: Rule) -> int:
    # Not always in the same order: patients who cannot be erased must not keep the others from it.
    some = _silent(pharmacy_id, rule).order_by(func.random()).limit(PATIENTS_AT_ONCE)
    async with database.begin(pharmacy_id) as tx:
        patients = list((await tx.execute(some)).scalars())
    return sum([await _erase_if_silent(database, pharmacy_id, rule, patient_id) for patient_id in patients])


async def _erase_if_silent(database: Database, pharmacy_id: str, rule: Rule, patient_id: str) -> bool:
    async def silent(tx: AsyncConnection) -> bool:
        of = _silent(pharmacy_id, rule).where(conversations.c.patient_id == patient_id)
        return (await tx.execute(of)).one_or_none() is not None

    try:
        erased = await erasure.erase(database, pharmacy_id, patient_id, ACTOR, only_if=silent)
    except StoreBusy as error:
        log.warning("retention_put_off reference=%s reason=%s", erasure.reference_of(pharmacy_id, patient_id), error)
        return False
    except Exception:
        # One patient who cannot be erased must not keep the later ones.
        log.exception("retention_failed reference=%s", erasure.reference_of(pharmacy_id, patient_id))
        return False
    return erased.found_anything


def _silent(pharmacy_id: str, rule: Rule) -> Select[Any]:
    """Return the question for the patients whose newest message is too old."""
    return (
        select(conversations.c.patient_id)
        .where(conversations.c.pharmacy_id == pharmacy_id)
        .group_by(conversations.c.patient_id)
        .having(func.max(rule.since) < func.now() - func.make_interval(0, 0, 0, rule.days))
    )


def _rule(toml: TomlFile, name: str, rule: _Rule) -> Rule:
    place = ("rules", name)
    table = metadata.tables.get(name)
    if table is None or "pharmacy_id" not in table.c:
        raise toml.wrong(place, "there is no such table of a pharmacy")
    if name in NEVER:
        raise toml.wrong(place, "these rows are kept; expected it under [kept]")
    if (rule.does == "erase") != (name == "conversations") or (rule.does == "blank") != bool(rule.columns):
        raise toml.wrong((*place, "does"), f"{rule.does!r} does not fit; only conversations are erased, and only what"
                         " is blanked names columns")  # fmt: skip
    for column in (rule.since, *rule.columns):
        if column not in table.c:
            raise toml.wrong(place, f"{column!r} is no column of it; expected one of {table.c.keys()}")
    return Rule(table, rule.does, table.c[rule.since], rule.days, tuple(table.c[column] for column in rule.columns))
