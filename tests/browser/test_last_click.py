"""Two rows clicked one after the other: the last one is what is shown, however late the first one's answer comes."""

import asyncio

from playwright.async_api import Error, Route, expect

from tests.browser.desk import Desk

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_the_last_row_that_was_clicked_is_the_one_that_is_shown(desk: Desk) -> None:
    for name in ("c-first", "c-second"):
        await desk.shop.say(name, QUESTION)
    page = await desk.visit("/")
    late, done = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        await late.wait()
        try:
            await route.continue_()
            await (await route.request.response()).finished()  # type: ignore[union-attr]
        except (Error, AttributeError):  # nobody waits for it any more
            pass
        done.set()

    await page.route("**/desk/conversation?c=c-first", hold)
    await page.locator("#row-c-first").click()
    await page.locator("#row-c-second").click()
    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-second")

    late.set()
    await done.wait()

    await page.wait_for_timeout(300)  # what comes late would be drawn by now
    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-second")
    await expect(page.locator("#row-c-second")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("c=c-second")
