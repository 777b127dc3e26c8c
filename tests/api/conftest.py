"""One running pharmacy for every test that only reads and writes, and one of its own for a test that breaks things."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from pharmacy.settings import Settings
from pharmacy.storage.address import libpq
from tests.api.answers import by_words
from tests.api.line_shop import LineShop, line_running
from tests.api.shop import Shop, running, settings_of
from tests.fakes.line_server import LineFake
from tests.fakes.openai_server import OpenAIFake


@pytest.fixture(scope="session")
def shared_database_url(server_url: URL, migrated_template: URL) -> Iterator[str]:
    """Return the owner's address of the database that the shared pharmacy works on."""
    with database_of(server_url, migrated_template) as url:
        yield url


@contextmanager
def database_of(server_url: URL, template: URL) -> Iterator[str]:
    """Give the owner's address of a fresh, migrated database."""
    name = f"kakari_shop_{secrets.token_hex(6)}"
    with psycopg.connect(libpq(server_url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.database}"')
    yield server_url.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(libpq(server_url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
async def shop(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """Return the pharmacy that tests share; each keeps to conversations of its own."""
    with OpenAIFake() as fake:
        fake.script.rule = by_words
        settings = settings_of(shared_database_url, tmp_path_factory.mktemp("shop") / "home", fake)
        async with running(settings) as open_shop:
            yield open_shop


@pytest.fixture
def fake() -> Iterator[OpenAIFake]:
    """Return this test's own stand-in for the provider."""
    with OpenAIFake() as own:
        own.script.rule = by_words
        yield own


@pytest.fixture
def own_settings(database_url: str, tmp_path: Path, fake: OpenAIFake) -> Settings:
    """Return settings on this test's own database and provider."""
    return settings_of(database_url, tmp_path / "home", fake)


@pytest.fixture
async def own_shop(own_settings: Settings, fake: OpenAIFake) -> AsyncIterator[Shop]:
    """Return a pharmacy of this test's own."""
    async with running(own_settings) as open_shop:
        yield open_shop


@pytest.fixture(scope="session")
async def line_shop(
    server_url: URL, migrated_template: URL, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LineShop]:
    """Return the pharmacy with a LINE account that tests share; each keeps to patients of its own."""
    with database_of(server_url, migrated_template) as url, OpenAIFake() as fake, LineFake() as line:
        fake.script.rule = by_words
        async with line_running(settings_of(url, tmp_path_factory.mktemp("line") / "home", fake), line) as open_shop:
            yield open_shop
