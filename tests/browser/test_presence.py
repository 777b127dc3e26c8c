"""Two people at one conversation: each sees the other, the first edit claims, and nobody's words are lost."""

import time

from playwright.async_api import expect

from tests.browser.colleague import colleague
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_a_colleague_sees_who_looks_and_who_writes_and_the_first_edit_claims(desk: Desk) -> None:
    await desk.shop.say("c-both", QUESTION)
    one, other = await colleague(desk, "/?c=c-both"), await colleague(desk)
    await expect(other.page.locator("#row-c-both .here")).to_contain_text(one.name)
    await other.page.locator("#row-c-both").click()
    await expect(one.page.locator("#present p")).to_have_text(f"{other.name}さんも見ています。")

    await one.page.locator("#words").press_sequentially("はい、")

    await expect(other.page.locator("#present")).to_contain_text(f"{one.name}さんがここで入力中です。")
    await expect(other.page.locator("#row-c-both .here")).to_have_text(f"入力中: {one.name}")
    (row,) = await desk.shop.rows("SELECT claimed_by FROM conversations WHERE id = 'c-both'")
    assert row.claimed_by == f"session:{one.name}"
    await looks_right(other.page, "desk-presence")


async def test_who_is_taken_over_from_is_told_and_keeps_their_words(desk: Desk) -> None:
    await desk.shop.say("c-taken", QUESTION)
    one, other = await colleague(desk, "/?c=c-taken"), await colleague(desk, "/?c=c-taken")
    await one.page.locator("#words").press_sequentially("はい、")
    typed = await one.page.locator("#words").input_value()
    await expect(other.page.locator("#present")).to_contain_text("入力中")

    await other.page.get_by_role("button", name="担当を代わる", exact=True).click()

    said = f"{other.name}さんが担当を代わりました。 入力した文章はそのまま残っています。"
    await expect(one.page.locator("#present")).to_contain_text(said)
    await expect(one.page.locator("#words")).to_have_value(typed)
    (row,) = await desk.shop.rows("SELECT claimed_by FROM conversations WHERE id = 'c-taken'")
    assert row.claimed_by == f"session:{other.name}"
    await expect(other.page.locator("#present")).to_have_attribute("data-claimed-by", f"session:{other.name}")
    await one.page.get_by_role("button", name="担当を代わる", exact=True).click()
    await expect(other.page.locator("#present")).to_contain_text(f"{one.name}さんが担当を代わりました")
    await expect(one.page.locator("#words")).to_have_value(typed)


async def test_who_closes_the_page_is_gone_at_once_and_whose_browser_dies_within_half_a_minute(desk: Desk) -> None:
    await desk.shop.say("c-gone", QUESTION)
    one, dying = await colleague(desk, "/?c=c-gone"), await colleague(desk, "/?c=c-gone")
    other = await colleague(desk, "/?c=c-gone")
    await expect(other.page.locator("#present")).to_contain_text(one.name)
    await expect(other.page.locator("#present")).to_contain_text(dying.name)

    await one.page.goto("about:blank")
    await expect(other.page.locator("#present")).not_to_contain_text(one.name)
    # A page that can say nothing more, not even that it goes.
    desk.watch.overlook("ERR_INTERNET_DISCONNECTED")  # it may look for the server before it dies
    await dying.page.context.set_offline(True)
    begun = time.monotonic()
    await dying.page.close()

    await expect(other.page.locator("#present")).not_to_contain_text(dying.name, timeout=30_000)
    assert time.monotonic() - begun > 5, "gone too soon: the page has said so itself, and not died"


async def test_what_is_known_already_wakes_no_console(desk: Desk) -> None:
    await desk.shop.say("c-still", QUESTION)
    one, other = await colleague(desk, "/?c=c-still"), await colleague(desk)
    await expect(other.page.locator("#row-c-still .here")).to_be_visible()
    await other.page.wait_for_timeout(1_500)
    asked: list[str] = []
    other.page.on("request", lambda request: asked.append(request.url))
    told: list[str] = []
    one.page.on("request", lambda request: told.append(request.method))

    await one.page.wait_for_timeout(8_000)

    assert "PUT" in told
    # Its own look around, every seven seconds, and nothing of the desk drawn anew.
    assert len(asked) <= 2
    assert [url for url in asked if "/desk/live" in url] == []
