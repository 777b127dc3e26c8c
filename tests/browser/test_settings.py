"""What somebody sets for their browser: Enter that sends, the language, and that both are still so after a new load."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk, has_been_read
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_enter_begins_a_new_line_until_somebody_sets_that_it_sends(desk: Desk) -> None:
    page = await _opened(desk, "c-enter")
    draft = await page.locator("#words").input_value()
    await page.keyboard.press("e")

    await page.keyboard.press("Enter")
    await expect(page.locator("#words")).to_have_value(draft + "\n")
    await _set(page, "Enterで送信する")
    await page.reload()
    await page.locator("#words").press("End")
    await page.keyboard.press("e")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("お大事に。")
    assert await _sent(desk, "c-enter") == []
    await has_been_read(page)
    await page.keyboard.press("Enter")

    await expect(page.locator("#notices")).to_contain_text("送りました")
    (sent,) = await _sent(desk, "c-enter")
    assert "\n" in sent
    assert "お大事に。" in sent


async def test_enter_that_ends_a_conversion_never_sends(desk: Desk) -> None:
    page = await _opened(desk, "c-kana")
    await _set(page, "Enterで送信する")
    await page.locator("#words").focus()
    devtools = await page.context.new_cdp_session(page)
    await has_been_read(page)
    await devtools.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})

    await devtools.send("Input.dispatchKeyEvent", _enter(229))
    await page.wait_for_timeout(300)
    assert await _sent(desk, "c-kana") == []
    await devtools.send("Input.insertText", {"text": "日本"})
    # The order that Safari has: the conversion has ended when its Enter is told of, with or without the code 229.
    for code in (229, 13):
        await page.evaluate(_SAFARI, code)
    await page.wait_for_timeout(300)
    assert await _sent(desk, "c-kana") == []

    await page.keyboard.press("Enter")

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert "日本" in (await _sent(desk, "c-kana"))[0]


async def test_another_language_shows_the_same_view(desk: Desk) -> None:
    await desk.shop.say("c-here", "人手語です")
    page = await desk.visit("/?tab=person")
    await page.locator("#row-c-here").click()
    await expect(page.locator('[data-conversation="c-here"]')).to_be_visible()

    await page.get_by_role("button", name="設定").click()
    await looks_right(page, "desk-settings")
    await page.get_by_role("button", name="English").click()

    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.url.endswith("/?tab=person&c=c-here")
    await expect(page.locator('[data-conversation="c-here"]')).to_be_visible()
    await page.get_by_role("button", name="Settings").click()
    await looks_right(page, "desk-settings-english")


@pytest.mark.parametrize("permitted", [True, False])
async def test_notices_of_the_system_are_off_until_the_browser_permits_them(desk: Desk, permitted: bool) -> None:
    page = await desk.visit("/")
    if permitted:
        await page.context.grant_permissions(["notifications"])
    await page.get_by_role("button", name="設定").click()
    box = page.get_by_label("デスクトップ通知を出す")
    await expect(box).not_to_be_checked()

    await box.click()

    await expect(box).to_be_checked(checked=permitted)
    await expect(page.locator("#not-permitted")).to_be_visible(visible=not permitted)


_SAFARI = """(code) => {
  const area = document.getElementById("words");
  area.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "日本" }));
  const enter = { key: "Enter", code: "Enter", keyCode: code, bubbles: true, cancelable: true };
  area.dispatchEvent(new KeyboardEvent("keydown", enter));
}"""


async def _opened(desk: Desk, conversation_id: str) -> Page:
    await desk.shop.say(conversation_id, QUESTION)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _set(page: Page, label: str) -> None:
    await page.get_by_role("button", name="設定").click()
    await page.get_by_label(label).check()
    await page.keyboard.press("Escape")


async def _sent(desk: Desk, conversation_id: str) -> list[str]:
    rows = await desk.shop.rows("SELECT text FROM outbox WHERE conversation_id = :id AND kind = 'reply'",
                                id=conversation_id)  # fmt: skip
    return [row.text for row in rows]


def _enter(code: int) -> dict[str, Any]:
    return {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": code}
