"""Time the page of figures in a real browser on a month of 100,000 messages: from the click to the drawn charts."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psycopg
from playwright.async_api import Page, async_playwright, expect
from sqlalchemy import Table, Uuid

from pharmacy.storage import sample_past
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from server.demo.month import month
from tests.api.answers import by_words
from tests.api.shop import Shop, running, settings_of
from tests.browser.chromium import found
from tests.browser.desk import LONGEST_WAIT_MILLISECONDS, Desk
from tests.browser.watching import Watch
from tests.fakes.openai_server import OpenAIFake

MESSAGES, DAYS, TIMES = 100_000, 31, 7
_NAMES = ("id", "patient_id", "conversation_id")
DRAWN = "[data-drawn] canvas"


def figures_page_figures() -> Iterator[tuple[str, str]]:
    """Time the API's answer, and the page until all three charts stand there."""
    yield from asyncio.run(_figures())
    yield "load average", ", ".join(f"{load:.1f}" for load in os.getloadavg())


async def fill(shop: Shop, database_url: str, messages: int) -> tuple[int, int]:
    """Give the shop the demo's month, copied until it has `messages`; return how many messages and calls there are."""
    pharmacy_id, rows = shop.program.settings.pharmacy_id, month(datetime.now(UTC))
    async with shop.program.database.begin(pharmacy_id) as tx:
        await sample_past.write(tx, pharmacy_id, rows)
    copies = -(-messages // len(rows["messages"])) - 1
    with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as owner:
        for table in sample_past.ORDER:
            owner.execute(_copied(table, copies).encode())
        owner.execute("VACUUM ANALYZE")
    return len(rows["messages"]) * (copies + 1), len(rows["model_calls"]) * (copies + 1)


def _copied(table: Table, copies: int) -> str:
    """Return the statement that copies a table's rows so many times, each copy under ids of its own."""
    kept = [column for column in table.c if column.identity is None and column.computed is None]
    taken = ", ".join(_of_copy(column.name, is_uuid=isinstance(column.type, Uuid)) for column in kept)
    names = ", ".join(f'"{column.name}"' for column in kept)
    return f"INSERT INTO {table.name} ({names}) SELECT {taken} FROM {table.name}, generate_series(1, {copies}) k"


def _of_copy(name: str, *, is_uuid: bool) -> str:
    if is_uuid:
        return f'md5("{name}"::text || k)::uuid'
    return f"\"{name}\" || '-' || k" if name in _NAMES else f'"{name}"'


async def _figures() -> list[tuple[str, str]]:
    async with _console() as (desk, (messages, calls)):
        asked = []
        for _ in range(TIMES):
            began = time.perf_counter()
            (await desk.shop.http.get("/v1/figures", params={"days": DAYS})).raise_for_status()
            asked.append((time.perf_counter() - began) * 1000)
        page = await desk.visit("/numbers")
        drawn = [await clicked(page) for _ in range(TIMES)]
    return [
        ("figures page", f"{messages} messages and {calls} calls of one month"),
        ("GET /v1/figures", _told(asked)),
        ("from the click until the charts are drawn", _told(drawn)),
    ]


async def clicked(page: Page) -> float:
    """Return the milliseconds from a click on the page's link until the charts are drawn; come from another page."""
    await page.goto("/numbers")
    began = time.perf_counter()
    await page.locator('a[href="/figures"]').first.click()
    await expect(page.locator(DRAWN)).to_have_count(3)
    return (time.perf_counter() - began) * 1000


def _told(times: list[float]) -> str:
    return f"median {median(times):.0f} ms, worst {max(times):.0f} ms, n {len(times)}"


@asynccontextmanager
async def _console() -> AsyncIterator[tuple[Desk, tuple[int, int]]]:
    expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="kakari-bench-")))
        server = EmbeddedServer(folder / "home")
        server.join()
        closing.callback(server.leave)
        provider = closing.enter_context(OpenAIFake())
        provider.script.rule = by_words
        shop = await closing.enter_async_context(running(settings_of(server.url, folder / "own", provider)))
        filled = await fill(shop, server.url, MESSAGES)
        playwright = await closing.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=found(), args=["--disable-dev-shm-usage"])
        closing.push_async_callback(browser.close)
        yield Desk(browser, shop, Watch(shop.url), closing), filled
