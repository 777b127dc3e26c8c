"""A real PostgreSQL for the whole run, and a fresh, migrated database for each test that asks for one."""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.embedded import EmbeddedServer
from pharmacy.storage.migrate import migrate
from tests.browser.stale import clear_stale
from tests.soak.promises import Figure

MEMORY, MEMORY_BYTES = Path("/dev/shm"), 8 * 2**30  # a folder of one's own is made in it
"""Where the test server's files may lie if so much is free: it ends every test's database with a flush to the disk."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run of every browser test without the pictures of an earlier one."""
    marked = config.option.markexpr
    # A mark that leaves some out, as `make test` does first, takes nearly all; any other one takes a few.
    chosen = bool(config.option.keyword) or (marked != "" and not marked.startswith("not "))
    clear_stale(config.args, chosen=chosen, is_worker=hasattr(config, "workerinput"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that measure a promise, so that the soak's part `quick` finds them, and those of faults."""
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker("timed")
        if "figure" in getattr(item, "fixturenames", ()):
            item.add_marker("promise")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Return what records a measured figure of a promise and fails the test when it falls short.

    Called as `figure("P13", "forged signatures taken", measured="0 of 10,000", asked="0", holds=taken == 0)`.
    """

    def record(promise: str, what: str, *, measured: str, asked: str, holds: bool) -> None:
        found = Figure(promise, what, measured, asked, holds)
        record_property("figure", json.dumps(found.as_json()))
        assert found.holds, found

    return record


@pytest.fixture(scope="session")
def server_url() -> Iterator[URL]:
    """Return the owner's address of the test server: TEST_DATABASE_URL, or an embedded one of this run's own."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield read_address(given)
        return
    with _reachable_folder(in_memory=True) as folder:
        server = EmbeddedServer(folder / "home")
        server.join()
        yield read_address(server.url)
        server.leave()


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a KAKARI_HOME for this test's own embedded server; neither it nor its parent exists."""
    with _reachable_folder() as folder:
        yield folder / "not-yet-there" / "home"


@pytest.fixture(scope="session")
def migrated_template(server_url: URL) -> Iterator[URL]:
    """Return the address of a migrated database that the others are copied from."""
    template = _make(server_url, "template1")
    migrate(template)
    yield template
    _drop(server_url, template)


@pytest.fixture
def database_url(server_url: URL, migrated_template: URL) -> Iterator[str]:
    """Return the owner's address, password included, of this test's own migrated database."""
    fresh = _make(server_url, str(migrated_template.database))
    yield fresh.render_as_string(hide_password=False)
    _drop(server_url, fresh)


@pytest.fixture
def empty_database_url(server_url: URL) -> Iterator[str]:
    """Return the owner's address of this test's own database, without a schema."""
    fresh = _make(server_url, "template1")
    yield fresh.render_as_string(hide_password=False)
    _drop(server_url, fresh)


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Return a connection to this test's own database as its owner, each statement committed by itself."""
    with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as connection:
        yield connection


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return settings on this test's own database and home, without any key."""
    return Settings(database_url=database_url, home=tmp_path / "home", pool_size=10, settle_seconds=0)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Return this test's own database, open."""
    opened = await open_database(settings)
    yield opened
    await asyncio.shield(opened.close())


@contextmanager
def _reachable_folder(*, in_memory: bool = False) -> Iterator[Path]:
    # Not pytest's own tmp_path: each new run closes the folder above it to everybody else, and so to a server that
    # runs as another user.
    fast = in_memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    with tempfile.TemporaryDirectory(prefix="kakari-test-", dir=MEMORY if fast else None) as folder:
        yield Path(folder)


def _make(server: URL, template: str) -> URL:
    name = f"kakari_{secrets.token_hex(6)}"
    with psycopg.connect(libpq(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.set(database=name)


def _drop(server: URL, url: URL) -> None:
    with psycopg.connect(libpq(server), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
