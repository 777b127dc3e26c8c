"""The schema: made once by many, whole or not at all, and never by a program that is too old."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import open_database
from pharmacy.storage.migrate import migrate, newest_revision

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from pharmacy.storage.address import read_address
from pharmacy.storage.migrate import migrate
sys.stdout.write("ready\\n"); sys.stdout.flush()
migrate(read_address(sys.argv[1]))
"""


async def test_many_may_migrate_at_once(empty_database_url: str) -> None:
    url = read_address(empty_database_url)

    revisions = await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(6)))

    assert set(revisions) == {newest_revision()}


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    url = read_address(empty_database_url)

    assert migrate(url) == migrate(url) == newest_revision()


async def test_a_schema_newer_than_the_program_is_refused(database_url: str) -> None:
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConfigError, match=r"revision '9999' is newer than this program knows.*upgrade Kakari"):
        await open_database(Settings(database_url=database_url))


@pytest.mark.parametrize("delay_seconds", [0.02, 0.1, 0.2, 0.3])
def test_a_migration_killed_in_the_middle_leaves_the_old_schema_or_the_new(
    empty_database_url: str, delay_seconds: float
) -> None:
    command = [sys.executable, "-c", PROGRAM, empty_database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    with psycopg.connect(libpq(read_address(empty_database_url))) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        begun = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    assert tables is not None
    assert begun is not None
    assert (tables[0] == 0) == (begun[0] is None)
    assert migrate(read_address(empty_database_url)) == newest_revision()


async def test_a_schema_that_may_not_be_made_is_named(database_url: str) -> None:
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        connection.execute("DROP TABLE alembic_version")

    with pytest.raises(ConfigError, match=r"the schema cannot be made: .* already exists"):
        await open_database(Settings(database_url=database_url))
