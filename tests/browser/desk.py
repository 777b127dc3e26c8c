"""A pharmacist's browser before a running pharmacy."""

from contextlib import AsyncExitStack
from typing import Any

from playwright.async_api import Browser, Page

from pharmacy.storage import access
from tests.api.shop import Shop
from tests.browser.looking import Theme
from tests.browser.watching import Watch

LONGEST_WAIT_MILLISECONDS = 30_000
"""How long a locator or an expectation waits for what is not there yet."""


async def has_been_read(page: Page) -> None:
    """Wait until what is shown has stood there long enough to be read; the send key does nothing before."""
    await page.locator("#conversation:not([data-fresh])").wait_for()


async def send_by_key(page: Page) -> None:
    """Press the send key, as somebody does who has read what it sends."""
    await has_been_read(page)
    await page.keyboard.press("Control+Enter")


class Desk:
    """The shop, and as many browsers before it as a test opens; each is one person's and shares nothing."""

    def __init__(self, browser: Browser, shop: Shop, watch: Watch, closing: AsyncExitStack) -> None:
        self.shop, self.watch = shop, watch
        self._browser, self._closing = browser, closing

    async def visit(
        self, path: str = "/", *, signed_in: bool = True, theme: Theme = "light", width: int = 1280, height: int = 800,
        **more: Any,
    ) -> Page:  # fmt: skip
        """Open a browser of its own at `path` and return its page.

        Args:
            signed_in: by a one-time link, with every right.
            more: what else Playwright's `new_context` is told, such as `has_touch` or `reduced_motion`.
        """
        context = await self._browser.new_context(
            base_url=self.shop.url, color_scheme=theme, viewport={"width": width, "height": height}, locale="ja-JP",
            timezone_id="Asia/Tokyo", **more,
        )  # fmt: skip
        self._closing.push_async_callback(context.close)
        context.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        await self.watch.over(context)
        page = await context.new_page()
        if signed_in:
            await page.goto(f"/sign-in?token={await self.link()}")
        if not signed_in or path != "/":
            await page.goto(path)
        return page

    async def link(self) -> str:
        """Return the token of a new one-time link."""
        pharmacy_id = self.shop.program.settings.pharmacy_id
        async with self.shop.program.database.begin(pharmacy_id) as tx:
            return await access.create_link(tx, pharmacy_id, "owner")
