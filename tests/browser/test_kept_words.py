"""A reply that is begun and left stays in this tab: it comes back with its conversation, never over another draft."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.colleague import colleague
from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
ADDED = "どうぞお大事に。"


@pytest.mark.parametrize("way", ["keys", "row", "tab", "snooze", "reload"])
async def test_what_is_typed_comes_back_with_its_conversation(desk: Desk, way: str) -> None:
    page, typed = await _begun(desk)

    await _move_on(page, way)
    await expect(page.locator('[data-conversation="c-one"]')).to_have_count(1 if way == "reload" else 0)
    if way not in ("snooze", "reload"):
        await expect(page.locator("#row-c-one .kept-mark")).to_have_text("書きかけあり")
    await expect(page.locator("#row-c-two .kept-mark")).to_have_count(0)
    if way != "reload":
        await page.goto("/?c=c-one")

    await expect(page.locator("#words")).to_have_value(typed)
    await expect(page.get_by_role("button", name="直して送る")).to_be_visible()
    await expect(page.locator("#diff ins")).to_have_text(ADDED)


async def test_what_was_sent_or_taken_back_is_kept_no_longer(desk: Desk) -> None:
    page, typed = await _begun(desk)
    await page.locator("#words").focus()
    await send_by_key(page)
    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await page.locator("#words").press_sequentially(ADDED)
    await page.locator("#words").fill(await page.locator("#words").get_attribute("data-draft") or "")

    await expect(page.locator(".kept-mark")).to_have_count(0)

    assert await _store(page) == []
    (sent,) = await desk.shop.rows("SELECT text FROM outbox WHERE kind = 'reply'")
    assert sent.text == typed


async def test_words_for_another_draft_are_shown_beside_it_and_not_put_into_it(desk: Desk) -> None:
    page, typed = await _begun(desk)
    await page.locator("#row-c-two").click()
    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await desk.shop.say("c-one", "やっぱり注文の配送についてです")

    await page.locator("#row-c-one").click()

    await expect(page.locator("#kept")).to_contain_text("下の案とは別の案に書いたものです")
    await expect(page.locator("#kept .text")).to_have_text(typed)
    draft = await page.locator("#words").get_attribute("data-draft")
    await expect(page.locator("#words")).to_have_value(draft or "")
    await looks_right(page, "desk-kept-words")
    await page.get_by_role("button", name="返信欄に入れる").click()
    await expect(page.locator("#words")).to_have_value(typed)
    await expect(page.locator("#words")).to_be_focused()
    await expect(page.locator("#kept")).to_be_hidden()


async def test_words_for_another_draft_can_be_thrown_away(desk: Desk) -> None:
    page, _ = await _begun(desk)
    await desk.shop.say("c-one", "やっぱり注文の配送についてです")
    await page.goto("/?c=c-one")
    await expect(page.locator("#kept")).to_be_visible()

    await page.get_by_role("button", name="捨てる").click()

    await expect(page.locator("#kept")).to_be_hidden()
    await expect(page.locator(".kept-mark")).to_have_count(0)
    assert await _store(page) == []


async def test_hostile_words_that_are_kept_stay_words(desk: Desk) -> None:
    page, _ = await _begun(desk)
    hostile = '<img src=x onerror="document.title=1"><script>alert(1)</script>'
    await page.locator("#words").fill(hostile)
    await desk.shop.say("c-one", "やっぱり注文の配送についてです")

    await page.goto("/?c=c-one")

    await expect(page.locator("#kept .text")).to_have_text(hostile)
    assert await page.locator("#kept img, #kept script").count() == 0


async def test_signing_out_leaves_nothing_and_nobody_else_sees_what_was_typed_in_the_tab(desk: Desk) -> None:
    page, _ = await _begun(desk)
    assert len(await _store(page)) == 1
    desk.watch.expect("401")  # the page that asks to sign in
    await page.get_by_role("button", name="サインアウト").click()
    await expect(page.get_by_role("button", name="サインアウト")).to_have_count(0)
    assert await _store(page) == []

    # A session that only ran out leaves the words for whoever comes back, and for nobody else.
    await page.goto(f"/sign-in?token={await desk.link()}")
    await page.goto("/?c=c-one")
    await page.locator("#words").press_sequentially(ADDED)
    other = await colleague(desk)
    await page.context.clear_cookies()
    await page.context.add_cookies(await other.page.context.cookies())
    await page.goto("/?c=c-one")
    await expect(page.locator(".kept-mark")).to_have_count(0)
    await expect(page.locator("#words")).to_have_value(await page.locator("#words").get_attribute("data-draft") or "")
    assert await _store(page) == []


async def _begun(desk: Desk) -> tuple[Page, str]:
    await desk.shop.say("c-one", QUESTION)
    await desk.shop.say("c-two", "体調の相談です")
    page = await desk.visit("/?c=c-one")
    await page.locator("#words").press_sequentially(ADDED)
    return page, await page.locator("#words").input_value()


async def _move_on(page: Page, way: str) -> None:
    if way == "keys":
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    elif way == "row":
        await page.locator("#row-c-two").click()
    elif way == "tab":
        await page.locator("#tabs a").nth(1).click()
        await page.locator("#tabs a").nth(0).click()
    elif way == "snooze":
        await page.keyboard.press("Escape")
        await page.keyboard.press("s")
        await page.keyboard.press("Enter")
    else:
        await page.reload()


async def _store(page: Page) -> list[str]:
    names: list[str] = await page.evaluate("Object.keys(sessionStorage).filter((name) => name.startsWith('kakari-'))")
    return names
