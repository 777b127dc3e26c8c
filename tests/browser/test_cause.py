"""Whoever rewords a draft may say what was wrong with it, by the keyboard too; nobody has to."""

from typing import Any

from playwright.async_api import Page, expect

from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
ADDED = "どうぞお大事に。"


async def test_the_cause_is_chosen_by_the_keyboard_and_goes_out_with_the_rewording(desk: Desk) -> None:
    page = await _opened(desk, "c-cause")
    await expect(page.locator('[name="cause"]')).to_be_hidden()

    await page.keyboard.press("e")
    await page.keyboard.type(ADDED)
    await expect(page.locator('[name="cause"]')).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator('[name="cause"]')).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("ArrowDown")
    await looks_right(page, "desk-cause")
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _decided(desk, "c-cause") == ("edited", "incomplete")


async def test_a_rewording_goes_out_without_a_cause_by_the_same_keys_as_before(desk: Desk) -> None:
    page = await _opened(desk, "c-none")

    await page.keyboard.press("e")
    await page.keyboard.type(ADDED)
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _decided(desk, "c-none") == ("edited", None)


async def test_a_cause_of_words_that_are_put_back_says_nothing(desk: Desk) -> None:
    page = await _opened(desk, "c-back")
    draft = await page.locator("#words").input_value()
    await page.locator("#words").fill(draft + ADDED)
    await page.locator('[name="cause"]').select_option("tone")

    await page.locator("#words").fill(draft)

    await expect(page.locator('[name="cause"]')).to_be_hidden()
    await page.get_by_role("button", name="このまま送る").click()
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _decided(desk, "c-back") == ("approved", None)


async def test_words_that_are_held_keep_the_cause_that_was_chosen(desk: Desk) -> None:
    desk.watch.expect("422")
    page = await _opened(desk, "c-held")
    await page.locator("#words").fill("これを飲めば必ず治ります。")
    await page.locator('[name="cause"]').select_option("wrong_fact")

    await page.get_by_role("button", name="直して送る").click()

    await expect(page.locator(".found")).to_be_visible()
    await expect(page.locator('[name="cause"]')).to_have_value("wrong_fact")


async def _opened(desk: Desk, conversation_id: str) -> Page:
    await desk.shop.say(conversation_id, QUESTION)
    page = await desk.visit(f"/?c={conversation_id}")
    await page.locator(".draft").wait_for()
    return page


async def _decided(desk: Desk, conversation_id: str) -> tuple[Any, Any]:
    (found,) = await desk.shop.rows(
        "SELECT state, decision ->> 'cause' AS cause FROM suggestions WHERE conversation_id = :of", of=conversation_id
    )
    return found.state, found.cause
