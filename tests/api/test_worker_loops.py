"""What runs beside the jobs: open transactions are named, and nothing begins on rules that cannot be read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage import retention
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.background import end
from server.program import Program, open_program
from server.worker.run import run_worker
from tests.api.shop import running


async def test_a_worker_names_a_transaction_that_stands_open(
    own_settings: Settings, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def named() -> bool:
        return "transaction_open_long" in caplog.text and "left-open" in caplog.text

    async with running(own_settings, work=False) as shop:
        with psycopg.connect(libpq(read_address(database_url)), application_name="left-open") as left:
            left.execute("SELECT 1")
            await asyncio.sleep(0.2)
            async with _working(shop.program, long_transaction_seconds=0.1):
                await shop.until(named)


async def test_a_start_on_retention_rules_that_cannot_be_read_is_refused_by_line(
    own_settings: Settings, tmp_path: Path
) -> None:
    words = retention.SHIPPED.read_text("utf-8").replace("days = 1825", "days = 0")
    line = words.splitlines().index("days = 0") + 1
    file = tmp_path / "broken.toml"
    file.write_text(words, "utf-8")

    with pytest.raises(ConfigError, match=rf"broken\.toml:{line}: .*days"):
        async with open_program(own_settings.model_copy(update={"retention_file": file})):
            pass


@asynccontextmanager
async def _working(program: Program, **given: float) -> AsyncIterator[None]:
    worker = asyncio.create_task(run_worker(program, **given))
    try:
        yield
    finally:
        await end(worker, again_seconds=15)
