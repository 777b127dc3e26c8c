"""A real Chromium before a real pharmacy; a test fails on whatever its pages get wrong, and none is ever skipped."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.api.answers import by_words
from tests.api.shop import Shop, running, settings_of
from tests.browser.chromium import NoChromium, found
from tests.browser.desk import LONGEST_WAIT_MILLISECONDS, Desk
from tests.browser.watching import Watch
from tests.fakes.openai_server import OpenAIFake

# The last keeps the browser itself from leaving the machine, whatever a page asks it for.
FLAGS = ("--disable-dev-shm-usage", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the browser; where there is none, every test that needs one fails and says so."""
    try:
        return found()
    except NoChromium as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    """Return the browser of the whole run; each visit has its own cookies and store in it."""
    expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=[*FLAGS])
        yield browser
        await browser.close()


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    """Return the stand-in for the provider: drafts come out as the patients' words call for."""
    with OpenAIFake() as own:
        own.script.rule = by_words
        yield own


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, provider: OpenAIFake) -> AsyncIterator[Shop]:
    """Return a pharmacy of this test's own: patients write to it with `shop.say`, and drafts appear."""
    async with running(settings_of(database_url, tmp_path / "home", provider)) as open_shop:
        yield open_shop


@pytest.fixture
async def desk(chromium: Browser, shop: Shop) -> AsyncIterator[Desk]:
    """Return what opens browsers before the shop; whatever goes wrong in any of them fails the test."""
    watch = Watch(shop.url)
    async with AsyncExitStack() as closing:
        yield Desk(chromium, shop, watch, closing)
        went_wrong = watch.found()
    assert went_wrong == [], "\n".join(went_wrong)


@pytest.fixture
async def page(desk: Desk) -> Page:
    """Return a page on which somebody has just signed in by a one-time link."""
    return await desk.visit()
