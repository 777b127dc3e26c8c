"""Rows are kept as long as the rules say, and the audit trail always."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.storage import retention
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database
from tests.unit.storage.planting import found, plant

Owner = psycopg.Connection[Any]
RULES = retention.load()
WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.patient_id = 'p-3' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN OLD; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON conversations FOR EACH ROW EXECUTE FUNCTION refuse()
"""


def _age(owner: Owner, days: int, canary: str) -> None:
    """Make the canary's rows so many days old."""
    for rule in RULES:
        table, since = rule.table.name, rule.since.name
        owner.execute(
            f"UPDATE {table} AS t SET {since} = now() - interval '{days} days' WHERE t::text LIKE '%{canary}%'"
        )


async def test_old_rows_go_and_young_ones_stay(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-OLD")
    plant(owner, database.pharmacy_id, "p-2", "CANARY-NEW")
    before = found(owner, "CANARY-NEW")
    _age(owner, 6 * 365, "CANARY-OLD")

    await retention.keep(database, database.pharmacy_id, RULES)

    assert found(owner, "CANARY-OLD") == {}
    assert found(owner, "CANARY-NEW") == before


async def test_words_are_blanked_before_the_conversation_goes(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-OLD")
    _age(owner, 800, "CANARY-OLD")

    done = await retention.keep(database, database.pharmacy_id, RULES)

    (call,) = owner.execute("SELECT blanks, output, error FROM model_calls").fetchall()
    (event,) = owner.execute("SELECT raw FROM inbox").fetchall()
    assert (call, event) == (({}, None, None), (b"",))
    assert "messages" in found(owner, "CANARY-OLD")
    assert done["model_calls"] == 1


async def test_done_again_it_finds_nothing(database: Database, owner: Owner) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-OLD")
    _age(owner, 800, "CANARY-OLD")
    await retention.keep(database, database.pharmacy_id, RULES)

    assert await retention.keep(database, database.pharmacy_id, RULES) == {}


async def test_another_pharmacys_rows_are_not_touched(database: Database, owner: Owner) -> None:
    plant(owner, "elsewhere", "p-1", "CANARY-OLD")
    before = found(owner, "CANARY-OLD")
    _age(owner, 6 * 365, "CANARY-OLD")

    await retention.keep(database, database.pharmacy_id, RULES)

    assert found(owner, "CANARY-OLD") == before


async def test_a_patient_who_writes_while_retention_waits_for_them_is_not_erased(
    database: Database, owner: Owner, database_url: str
) -> None:
    plant(owner, database.pharmacy_id, "p-1", "CANARY-OLD")
    before = found(owner, "CANARY-OLD")
    rules = tuple(rule for rule in RULES if rule.does == "erase")
    owner.execute("UPDATE conversations SET last_message_at = now() - interval '6 years'")
    with psycopg.connect(libpq(read_address(database_url))) as writing:
        writing.execute("UPDATE conversations SET last_message_at = now()")

        keeping = asyncio.create_task(retention.keep(database, database.pharmacy_id, rules))
        async with asyncio.timeout(5):
            while not owner.execute(WAITS).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody who waits)
                await asyncio.sleep(0.02)
        writing.commit()
        done = await keeping

    assert done == {}
    assert found(owner, "CANARY-OLD") == before


async def test_a_patient_who_cannot_be_erased_does_not_keep_the_others(
    database: Database, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(6):
        plant(owner, database.pharmacy_id, f"p-{number}", f"CANARY-{number}")
    owner.execute("UPDATE conversations SET last_message_at = now() - interval '6 years'")
    owner.execute(REFUSING)

    done = await retention.keep(database, database.pharmacy_id, tuple(r for r in RULES if r.does == "erase"))

    assert done == {"conversations": 5}
    assert [row for (row,) in owner.execute("SELECT patient_id FROM conversations").fetchall()] == ["p-3"]
    assert "retention_failed" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("[rules.sign_ins]", "[rules.nothing]"), "sign_ins", id="a-table-that-is-named-nowhere"),
        pytest.param(('audit = "', 'audit_ = "'), "audit", id="a-table-of-another-name"),
        pytest.param(("days = 90", "days = 0"), "greater than or equal to 1", id="no-days"),
        pytest.param(
            ('since = "received_at"\ndays = 90', 'since = "came"\ndays = 90'), "'came' is no column", id="no-column"
        ),
        pytest.param(
            ("[kept]\n", '[rules.audit]\ndoes = "delete"\nsince = "at"\ndays = 800\n[kept]\n'), "2 times", id="audit"
        ),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    file = tmp_path / "retention.toml"
    file.write_text(retention.SHIPPED.read_text("utf-8").replace(*change), "utf-8")

    with pytest.raises(ConfigError, match=said):
        retention.load(file)


def test_a_rule_that_cannot_be_read_is_named_by_its_line(tmp_path: Path) -> None:
    words = retention.SHIPPED.read_text("utf-8").replace("days = 1825", 'days = "long"')
    line = words.splitlines().index('days = "long"') + 1
    file = tmp_path / "retention.toml"
    file.write_text(words, "utf-8")

    with pytest.raises(ConfigError, match=rf"retention\.toml:{line}: .*'long'"):
        retention.load(file)


def test_the_audit_trail_cannot_be_given_an_end(tmp_path: Path) -> None:
    words = retention.SHIPPED.read_text("utf-8")
    kept = next(line for line in words.splitlines() if line.startswith("audit ="))
    rule = '[rules.audit]\ndoes = "delete"\nsince = "at"\ndays = 800\n[kept]\n'
    file = tmp_path / "retention.toml"
    file.write_text(words.replace(f"{kept}\n", "").replace("[kept]\n", rule), "utf-8")

    with pytest.raises(ConfigError, match=r"rules\.audit\] these rows are kept"):
        retention.load(file)
