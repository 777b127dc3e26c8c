"""No notice moves what is being read or typed: what stands on the screen stays where it is when one appears."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.api.automatic import let
from tests.browser.colleague import colleague
from tests.browser.desk import Desk
from tests.browser.looking import WIDTHS, picture

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
PLACES = """() => ["#words", ".marks", ".note-form"].map((each) => document.querySelector(each))
    .map((each) => Math.round(each.getBoundingClientRect().top))"""


async def _newer_message(desk: Desk, page: Page) -> None:
    await desk.shop.say("c-still", "もうひとつ質問です。" * 12, wait=None)
    await expect(page.locator("#notices .notice")).to_be_visible()


async def _away(desk: Desk, page: Page) -> None:
    desk.watch.overlook("ERR_|Failed to fetch")
    await page.context.set_offline(True)
    await expect(page.locator("#away")).to_be_visible()


async def _somebody_else(desk: Desk, page: Page) -> None:
    other = await colleague(desk, "/?c=c-still")
    await other.page.locator("#words").press_sequentially("はい、")
    await expect(page.locator("#present button")).to_be_visible()


async def _stopped(desk: Desk, page: Page) -> None:
    await desk.shop.http.put("/v1/policy/kill-switch", json={"on": True, "reason": "返信がおかしい"})
    await expect(page.locator(".stopped")).to_be_visible()


Appears = Callable[[Desk, Page], Awaitable[None]]
APPEARS: tuple[Appears, ...] = (_newer_message, _away, _somebody_else, _stopped)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("appears", APPEARS, ids=lambda each: each.__name__.strip("_"))
async def test_what_is_typed_into_stays_where_it_is(desk: Desk, appears: Appears, width: int) -> None:
    await let(desk.shop, modes={})
    await desk.shop.say("c-still", QUESTION)
    page = await desk.visit("/?c=c-still", width=width, height=WIDTHS[width])
    await page.locator("#words").press_sequentially("はい。")
    await expect(page.locator("[data-key=claim]")).to_be_disabled()  # the first edit has claimed it
    before = await page.evaluate(PLACES)

    await appears(desk, page)

    await page.wait_for_timeout(500)
    after = await page.evaluate(PLACES)
    await picture(page, f"still-{appears.__name__.strip('_').replace('_', '-')}-{width}")
    assert [abs(now - then) <= 1 for now, then in zip(after, before, strict=True)] == [True] * 3, (before, after)
