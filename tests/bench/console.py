"""Time the console in a real browser on 10,000 conversations: its first view, and the next conversation by key."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import psycopg
from playwright.async_api import Page, async_playwright, expect

from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from tests.api.answers import by_words
from tests.api.shop import Shop, running, settings_of
from tests.bench.desk import FILL
from tests.browser.chromium import found
from tests.browser.desk import LONGEST_WAIT_MILLISECONDS, Desk
from tests.browser.watching import Watch
from tests.fakes.openai_server import OpenAIFake

CONVERSATIONS, MESSAGES_EACH, TIMES, FIRST_VIEWS = 10_000, 10, 20, 7
PERSON, CHECK, AUTOMATIC = 3, 7, 10
"""Of a hundred conversations so many have an open case, an open draft, and were answered by themselves lately."""

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
_REASONS = '[{"code": "triage", "tier": "H", "hits": []}]'

# Every open draft is as long as a real one, with its marks and its trail; those of the first pages with their calls.
LIKE_A_REAL_ONE = """
UPDATE suggestions s SET body = real.body, text = real.text, category = real.category
    FROM suggestions real WHERE real.conversation_id = 'c-real' AND s.state = 'open' AND s.conversation_id <> 'c-real';
INSERT INTO model_calls OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(NULL::model_calls, to_jsonb(c) || jsonb_build_object(
            'run_id', s.run_id, 'seq', 1000000 + row_number() OVER ()))).*
    FROM model_calls c, (SELECT run_id FROM suggestions WHERE state = 'open' AND conversation_id <> 'c-real'
                         ORDER BY length(conversation_id) DESC, conversation_id DESC LIMIT 200) s
    WHERE c.run_id = (SELECT run_id FROM suggestions WHERE conversation_id = 'c-real');
ANALYZE;
"""

# From the key's own time until what it opened has been painted.
CLOCK = """
window.opened = [];
let pressed = null;
const shown = () => document.querySelector("[data-conversation]")?.dataset.conversation;
addEventListener("keydown", (event) => { pressed = { at: event.timeStamp, from: shown() }; }, true);
new MutationObserver(() => {
  if (!pressed || !shown() || shown() === pressed.from) return;
  const { at } = pressed;
  pressed = null;
  requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => window.opened.push(performance.now() - at);
    painted.port2.postMessage(0);
  });
}).observe(document, { childList: true, subtree: true });
"""

READY = """() => {
  const [whole] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return Math.max(whole.domContentLoadedEventEnd, paint?.startTime ?? Infinity);
}"""


async def fill(shop: Shop, database_url: str, many: int, each: int) -> None:
    """Give the shop so many conversations of so many messages, its open drafts like the one that it writes itself."""
    await shop.say("c-real", QUESTION)
    filled = FILL.format(n=many, m=each, person=PERSON, check=CHECK, automatic=AUTOMATIC)
    filled = filled.replace("'sakura'", f"'{shop.program.settings.pharmacy_id}'").replace("'[]'", f"'{_REASONS}'")
    filled = filled.replace(f"'{_REASONS}', '{_REASONS}'", f"'{_REASONS}', '[]'")
    with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as owner:
        owner.execute(filled.encode())
        owner.execute(LIKE_A_REAL_ONE.encode())


async def first_view(page: Page) -> float:
    """Return after how many milliseconds the page that is just loaded was painted and listened to keys and mouse."""
    await page.wait_for_load_state("load")
    await expect(page.locator("[data-row]").first).to_be_visible()
    ready: float = await page.evaluate(READY)
    return ready


async def next_by_key(page: Page, times: int) -> list[float]:
    """Return the milliseconds from each press of the key until the next conversation was painted."""
    await page.locator("#main").focus()
    for number in range(times):
        await page.keyboard.press("j")
        await _until_opened(page, number + 1)
        await page.wait_for_timeout(300)  # a person reads, if only for a moment
    opened: list[float] = await page.evaluate("window.opened")
    return opened


async def _until_opened(page: Page, many: int) -> None:
    async with asyncio.timeout(LONGEST_WAIT_MILLISECONDS / 1000):
        while await page.evaluate("window.opened.length") < many:  # noqa: ASYNC110 (the page is asked)
            await asyncio.sleep(0.02)


def console_figures() -> Iterator[tuple[str, str]]:
    """Time the first view and the next conversation, as a pharmacist at a desk has them."""
    yield "console", f"{CONVERSATIONS} conversations, {CONVERSATIONS * MESSAGES_EACH} messages"
    yield from asyncio.run(_figures())
    yield "load average", ", ".join(f"{load:.1f}" for load in os.getloadavg())


async def _figures() -> list[tuple[str, str]]:
    async with _console() as desk:
        views = []
        for _ in range(FIRST_VIEWS):
            page = await desk.visit("/?c=c-real")  # a browser that has none of the files yet
            views.append(await first_view(page))
            await page.context.close()
        page = await desk.visit("/")
        await page.context.add_init_script(CLOCK)
        await page.reload()
        keys = await next_by_key(page, TIMES)
    return [
        (
            "first view until it can be used",
            f"median {median(views):.0f} ms, worst {max(views):.0f} ms, n {len(views)}",
        ),
        ("next conversation by key", f"median {median(keys):.0f} ms, worst {max(keys):.0f} ms, n {len(keys)}"),
    ]


@asynccontextmanager
async def _console() -> AsyncIterator[Desk]:
    expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="kakari-bench-")))
        server = EmbeddedServer(folder / "home")
        server.join()
        closing.callback(server.leave)
        provider = closing.enter_context(OpenAIFake())
        provider.script.rule = by_words
        shop = await closing.enter_async_context(running(settings_of(server.url, folder / "own", provider)))
        await fill(shop, server.url, CONVERSATIONS, MESSAGES_EACH)
        playwright = await closing.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=found(), args=["--disable-dev-shm-usage"])
        closing.push_async_callback(browser.close)
        yield Desk(browser, shop, Watch(shop.url), closing)
