"""A page whose files come slowly is still told what changes."""

import asyncio

from playwright.async_api import Route, expect

from tests.browser.desk import Desk


async def test_the_stream_is_opened_even_where_its_file_comes_late(desk: Desk) -> None:
    page = await desk.visit("/sign-in", signed_in=False)

    async def late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    await page.route("**/hx-sse.min.js*", late)
    await page.goto(f"/sign-in?token={await desk.link()}")
    await expect(page.locator("#rows")).to_be_visible()

    await desk.shop.say("c-told", "体調の相談です", wait=None)

    await expect(page.locator("#row-c-told")).to_be_visible()
