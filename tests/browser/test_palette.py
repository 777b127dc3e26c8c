"""Every command by its name: found, chosen and run by the keyboard alone, and never during a conversion."""

from typing import Any

from playwright.async_api import Page, expect

from server.console.keys import KEYS
from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_a_command_is_found_by_its_name_and_run_while_typing(desk: Desk) -> None:
    page = await _typing(desk, "c-command")
    typed = await page.locator("#words").input_value()
    await page.keyboard.press("Control+K")
    find = page.get_by_role("combobox", name="コマンドを探す")
    await expect(find).to_be_focused()
    await looks_right(page, "desk-palette")

    await page.keyboard.type("refuse")
    await expect(page.locator("#palette").get_by_role("option")).to_have_count(1)
    await expect(page.locator("#palette").get_by_role("option").locator("kbd")).to_have_text("X")
    chosen = await page.locator("#palette").get_by_role("option").get_attribute("id")
    assert await find.get_attribute("aria-activedescendant") == chosen
    await page.keyboard.press("Enter")

    await expect(page.locator("#refuse")).to_be_visible()
    await expect(page.locator("#palette")).to_be_hidden()
    await expect(page.locator("#words")).to_have_value(typed)
    assert await desk.shop.rows("SELECT FROM outbox WHERE kind = 'reply'") == []


async def test_arrows_go_round_and_escape_goes_back_to_what_was_being_typed(desk: Desk) -> None:
    page = await _typing(desk, "c-arrows")
    await page.keyboard.press("Control+K")
    options = page.locator("#palette").get_by_role("option")

    await page.keyboard.press("ArrowUp")
    await expect(options.last).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.type("そんなものはない")
    await expect(page.locator("#palette-none")).to_be_visible()
    await send_by_key(page)
    await page.keyboard.press("Escape")

    await expect(page.locator("#palette")).to_be_hidden()
    await expect(page.locator("#words")).to_be_focused()
    assert await desk.shop.rows("SELECT FROM outbox WHERE kind = 'reply'") == []


async def test_the_palette_has_every_key_and_leads_to_every_tab(desk: Desk) -> None:
    page = await desk.visit("/")
    await page.keyboard.press("Control+K")
    acts = await page.locator("[data-act]").evaluate_all("found => found.map((each) => each.dataset.act)")
    assert acts == [key.name for key in KEYS.every if key.name not in ("palette", "leave")]

    await page.keyboard.type("対応済")
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/?tab=done")


async def test_nothing_is_run_while_a_conversion_is_open_and_the_same_key_runs_after_it(desk: Desk) -> None:
    page = await _typing(desk, "c-kana")
    devtools = await page.context.new_cdp_session(page)
    composing = {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    await devtools.send("Input.imeSetComposition", composing)
    await devtools.send("Input.dispatchKeyEvent", _key("KeyK", 229, modifiers=2))
    await expect(page.locator("#palette")).to_be_hidden()
    await devtools.send("Input.insertText", {"text": "日本"})
    await page.keyboard.press("Control+K")
    await page.keyboard.type("sheet")
    await devtools.send("Input.imeSetComposition", {"text": "", "selectionStart": 0, "selectionEnd": 0})
    await page.locator("#palette-find").fill("")
    await devtools.send("Input.imeSetComposition", {"text": "けんさく", "selectionStart": 4, "selectionEnd": 4})

    await devtools.send("Input.dispatchKeyEvent", _key("Enter", 229))
    await page.wait_for_timeout(200)

    await expect(page.locator("#palette")).to_be_visible()
    await devtools.send("Input.insertText", {"text": "検索"})
    await page.keyboard.press("Enter")
    await expect(page.locator("#palette")).to_be_hidden()
    await expect(page.locator("#q")).to_be_focused()


async def _typing(desk: Desk, conversation_id: str) -> Page:
    await desk.shop.say(conversation_id, QUESTION)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    await page.keyboard.press("e")
    await page.keyboard.type("追記です。")
    return page


def _key(name: str, code: int, **more: Any) -> dict[str, Any]:
    return {"type": "rawKeyDown", "key": "Enter" if name == "Enter" else "k", "code": name,
            "windowsVirtualKeyCode": code, **more}  # fmt: skip
