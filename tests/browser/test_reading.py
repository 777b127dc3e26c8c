"""The send key acts on what somebody can have read: not on what has only just appeared, nor while another one comes."""

import asyncio

from playwright.async_api import Page, Route, expect

from tests.browser.desk import Desk, has_been_read, send_by_key

QUESTION = "葛根湯は食前と食後のどちらがいいですか"

# From within the page, counted from when the conversation is drawn: however slow the machine, never later.
_WHEN_DRAWN = """([of, times, act]) => {
  const key = (on, more) => on.dispatchEvent(
    new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true, cancelable: true, ...more }));
  const acts = {
    control_enter: () => key(document.body, { ctrlKey: true }),
    enter: () => key(document.getElementById("words"), {}),
    click: () => document.querySelector("[data-key=send]").click(),
  };
  const drawn = () => {
    if (document.querySelector(".pane").dataset.conversation !== of) return;
    document.removeEventListener("htmx:after:swap", drawn);
    for (const after of times) setTimeout(acts[act], after);
  };
  document.addEventListener("htmx:after:swap", drawn);
}"""
AGAIN_AND_AGAIN = [0, 100, 250, 500]
"""Milliseconds."""


async def test_a_send_key_that_is_hit_again_and_again_sends_one_draft(desk: Desk) -> None:
    page = await _three(desk)
    await page.evaluate(_WHEN_DRAWN, ["c-two", AGAIN_AND_AGAIN, "control_enter"])

    await send_by_key(page)

    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await expect(page.locator("#not-yet")).to_contain_text("表示されたばかりです")
    await has_been_read(page)
    await expect(page.locator("#not-yet")).to_be_hidden()
    assert await _sent(desk) == ["c-one"]
    await page.keyboard.press("Control+Enter")
    await expect(page.locator('[data-conversation="c-three"]')).to_be_visible()
    assert await _sent(desk) == ["c-one", "c-two"]


async def test_a_send_key_that_is_held_down_sends_once(desk: Desk) -> None:
    page = await _three(desk)
    await has_been_read(page)

    await page.keyboard.down("Control")
    await page.keyboard.down("Enter")
    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await has_been_read(page)
    for _ in range(5):  # a key that is down already repeats itself
        await page.keyboard.down("Enter")
    await page.keyboard.up("Enter")

    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    assert await _sent(desk) == ["c-one"]
    await page.keyboard.down("Enter")
    await expect(page.locator('[data-conversation="c-three"]')).to_be_visible()
    assert await _sent(desk) == ["c-one", "c-two"]


async def test_one_that_was_gone_to_by_key_is_not_sent_at_once(desk: Desk) -> None:
    page = await _three(desk)
    await page.evaluate(_WHEN_DRAWN, ["c-two", AGAIN_AND_AGAIN, "control_enter"])

    await page.keyboard.press("j")

    await expect(page.locator("#not-yet")).to_contain_text("表示されたばかりです")
    await has_been_read(page)
    assert await _sent(desk) == []


async def test_between_a_key_for_another_conversation_and_its_coming_nothing_is_sent(desk: Desk) -> None:
    page, may_come = await _three(desk), asyncio.Event()

    async def late(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/desk/conversation?*", late)
    await has_been_read(page)
    await page.keyboard.press("j")

    await page.keyboard.press("Control+Enter")

    await expect(page.locator("#not-yet")).to_contain_text("別の会話を開いています")
    await expect(page.locator('[data-conversation="c-one"]')).to_be_visible()
    may_come.set()
    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk) == ["c-two"]


async def test_enter_where_it_sends_waits_as_the_key_does_and_the_mouse_does_not(desk: Desk) -> None:
    page = await _three(desk)
    await page.get_by_role("button", name="設定").click()
    await page.get_by_label("Enterで送信する").check()
    await page.keyboard.press("Escape")
    await page.evaluate(_WHEN_DRAWN, ["c-two", AGAIN_AND_AGAIN, "enter"])
    await page.keyboard.press("j")
    await expect(page.locator("#not-yet")).to_contain_text("表示されたばかりです")
    assert await _sent(desk) == []

    await page.evaluate(_WHEN_DRAWN, ["c-three", [0], "click"])
    await page.locator("#row-c-three").click()

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk) == ["c-three"]


async def _three(desk: Desk) -> Page:
    for name in ("one", "two", "three"):
        await desk.shop.say(f"c-{name}", QUESTION)
    page = await desk.visit("/?c=c-one")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _sent(desk: Desk) -> list[str]:
    rows = await desk.shop.rows("SELECT conversation_id FROM outbox WHERE kind = 'reply' ORDER BY created_at")
    return [row.conversation_id for row in rows]
