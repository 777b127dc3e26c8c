"""A run with a fault in any node sends nothing by itself, and its message is with a person."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, assembled_with, running
from tests.attacks.closing import run_all
from tests.attacks.faulty import FaultyGate, breaking, drawn
from tests.attacks.siege import know, open_wide
from tests.fakes.openai_server import OpenAIFake


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    with OpenAIFake() as fake:
        yield fake


@pytest.fixture
async def letting_all_out(database_url: str, tmp_path: Path, provider: OpenAIFake) -> AsyncIterator[Shop]:
    settings = Settings(
        database_url=database_url, home=tmp_path / "home", pool_size=20, settle_seconds=0, models="openai",
        openai_api_key=SecretStr("test"), openai_base_url=provider.url,
    )  # fmt: skip
    async with running(settings, assembled_with(settings, FaultyGate())) as shop:
        await open_wide(shop)
        yield shop


async def test_forty_faults_in_any_node_send_nothing_and_each_message_is_with_a_person(
    letting_all_out: Shop, provider: OpenAIFake
) -> None:
    faults = drawn(seed=1, count=40)
    provider.script.rule = breaking(faults)

    closed = await run_all(letting_all_out, faults)

    assert (closed.sent, closed.with_nobody) == ([], [])


async def test_the_same_run_without_a_fault_goes_out(letting_all_out: Shop, provider: OpenAIFake) -> None:
    provider.script.rule = breaking([])
    await know(letting_all_out, "well")

    outcome = await letting_all_out.say("well", "配送の件です。")

    assert outcome["outcome"] == "auto_sent"
