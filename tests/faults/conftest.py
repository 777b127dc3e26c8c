"""A pharmacy of a fault test's own, in the test's process: real database, worker and HTTP, a stand-in provider."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.rules import everyday


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    """Return a provider that answers everything well, at once."""
    with OpenAIFake() as fake:
        fake.script.rule = everyday
        yield fake


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Return a folder that PostgreSQL's own user can reach, whoever runs the tests."""
    with tempfile.TemporaryDirectory(prefix="kakari-faults-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return where replies are delivered; it ends without a complaint about any of them."""
    with Receiver("a shared secret of length") as receiving:
        yield receiving
    assert receiving.problems == []


@pytest.fixture
def shop_settings(database_url: str, tmp_path: Path, provider: OpenAIFake, receiver: Receiver) -> Settings:
    """Return settings on the test's own database, provider and receiver."""
    return Settings(
        database_url=database_url, home=tmp_path / "home", pool_size=10, settle_seconds=0, models="openai",
        openai_api_key=SecretStr("test"), openai_base_url=provider.url,
        delivery_url=receiver.url, delivery_secret=SecretStr(receiver.secret),
    )  # fmt: skip


@pytest.fixture
async def pharmacy(shop_settings: Settings) -> AsyncIterator[Shop]:
    """Return a running pharmacy."""
    async with running(shop_settings) as shop:
        yield shop
