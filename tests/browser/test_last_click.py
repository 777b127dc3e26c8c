"""The last row that was clicked is what is shown, however late the answer to what was done before it comes."""

import asyncio

from playwright.async_api import Error, Route, expect

from tests.browser.desk import Desk, has_been_read

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


async def test_a_reply_that_is_told_late_to_be_sent_leaves_what_was_opened_meanwhile(desk: Desk) -> None:
    for name in ("c-first", "c-second", "c-third"):
        await desk.shop.say(name, QUESTION)
    page = await desk.visit("/?c=c-first")
    late = asyncio.Event()

    async def hold(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await page.route("**/desk/suggestions/*/send", hold)
    await has_been_read(page)
    await page.locator("#reply [data-key=send]").click()
    await page.locator("#row-c-third").click()
    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-third")
    await page.locator("#words").fill("書きかけの返信")

    late.set()

    await expect(page.locator("#notices .done")).to_be_visible()
    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-third")
    await expect(page.locator("#words")).to_have_value("書きかけの返信")
    assert page.url.endswith("c=c-third")
    assert (await desk.shop.conversation("c-first"))["suggestion"] is None


async def test_a_reply_that_is_told_late_not_to_have_been_sent_comes_back(desk: Desk) -> None:
    desk.watch.expect("409")
    for name in ("c-first", "c-second"):
        await desk.shop.say(name, QUESTION)
    page = await desk.visit("/?c=c-first")
    late = asyncio.Event()

    async def hold(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await page.route("**/desk/suggestions/*/send", hold)
    await has_been_read(page)
    await page.locator("#words").fill("直した返信です。食前にお飲みください。")
    await page.locator("#reply [data-key=send]").click()
    await page.locator("#row-c-second").click()
    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-second")
    await desk.shop.say("c-first", "もう一つ聞きたいです")

    late.set()

    await expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", "c-first")
    await expect(page.locator("#words")).to_have_value("直した返信です。食前にお飲みください。")
