"""The tab of what goes out by itself: a row says how long it still waits, when it went, or why not."""

import re

from playwright.async_api import expect

from tests.api.automatic import known, let, replies, waiting
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

QUESTION = "配送はいつですか"


async def test_a_held_row_counts_down_one_that_went_says_when_and_one_that_did_not_says_why(desk: Desk) -> None:
    await let(desk.shop)
    went = await known(desk.shop)
    await desk.shop.say(went, QUESTION)
    await replies(desk.shop, went, 2)
    await let(desk.shop, hold_seconds=600)
    held = await known(desk.shop)
    await desk.shop.say(held, QUESTION)
    text = await waiting(desk.shop, held)
    page = await desk.visit("/?tab=automatic")

    row, goes = page.locator(f"#row-{held}"), page.locator(f"#row-{held} .goes")
    await expect(row).to_contain_text("自動送信待ち")
    first = await goes.inner_text()
    assert re.fullmatch(r"あと (9|10):\d\d", first)
    await expect(goes).not_to_have_text(first)
    await expect(page.locator(f"#row-{went}")).to_contain_text(re.compile(r"自動送信済み .*\d\d:\d\d"))
    await looks_right(page, "automatic-rows")

    await desk.shop.post(f"/v1/conversations/{held}/automatic/{text['id']}/cancel")

    await expect(row).to_have_count(0)
    await page.get_by_role("link", name="要確認").click()
    await expect(row).to_contain_text("送信せず: 自動送信が取り消されました。")
