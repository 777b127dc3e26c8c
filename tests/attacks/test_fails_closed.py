"""A run with a fault in any node sends nothing by itself, and its message is with a person."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, assembled_with, running
from tests.attacks.closing import run_all
from tests.attacks.faulty import FaultyGate, breaking, drawn
from tests.attacks.siege import open_wide
from tests.fakes.openai_server import OpenAIFake


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    with OpenAIFake() as fake:
        yield fake


@asynccontextmanager
async def letting_all_out(url: str, home: Path, provider: OpenAIFake, gate: FaultyGate) -> AsyncIterator[Shop]:
    """Run a pharmacy that lets everything out, until something breaks."""
    settings = Settings(
        database_url=url, home=home, pool_size=20, settle_seconds=0, models="openai",
        openai_api_key=SecretStr("test"), openai_base_url=provider.url,
    )  # fmt: skip
    async with running(settings, assembled_with(settings, gate)) as shop:
        await open_wide(shop)
        yield shop


async def test_forty_faults_in_any_node_send_nothing_and_each_message_is_with_a_person(
    database_url: str, tmp_path: Path, provider: OpenAIFake
) -> None:
    faults = drawn(seed=1, count=40)
    provider.script.rule = breaking(faults)

    async with letting_all_out(database_url, tmp_path / "home", provider, FaultyGate(faults)) as shop:
        closed = await run_all(shop, faults)

    assert (closed.sent, closed.with_nobody) == ([], [])


async def test_the_same_messages_without_their_faults_go_out(
    database_url: str, tmp_path: Path, provider: OpenAIFake
) -> None:
    faults = [replace(fault, node="none") for fault in drawn(seed=1, count=10)]
    provider.script.rule = breaking([])

    async with letting_all_out(database_url, tmp_path / "home", provider, FaultyGate([])) as shop:
        closed = await run_all(shop, faults)

    assert len(closed.sent) == len(faults)
