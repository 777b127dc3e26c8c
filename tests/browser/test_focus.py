"""After a decision by key the keyboard is with what is shown next: single letters act at once."""

from playwright.async_api import Page, expect

from tests.browser.desk import Desk, send_by_key

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_after_a_reply_is_sent_by_key_letters_act_in_the_next_conversation(desk: Desk) -> None:
    page = await _three(desk)
    await page.keyboard.press("e")
    await page.keyboard.type("追記です。")

    await send_by_key(page)

    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await _at_the_name_of(page, "p-two")
    await page.keyboard.press("x")
    await expect(page.locator("#refuse")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await expect(page.locator("#words")).to_be_focused()
    await send_by_key(page)
    await expect(page.locator('[data-conversation="c-three"]')).to_be_visible()
    await _at_the_name_of(page, "p-three")
    await expect(page.locator("[data-row]")).to_have_count(1)  # else the key goes back to one that was answered
    await page.keyboard.press("k")
    assert await _unchanged(page)


async def test_after_a_draft_is_refused_letters_act_and_g_asks_for_another(desk: Desk) -> None:
    page = await _three(desk)

    await page.keyboard.press("x")
    await page.keyboard.press("3")
    await expect(page.locator("#notices")).to_contain_text("使わない")
    await _at_the_name_of(page, "p-one")
    await page.keyboard.press("g")

    await expect(page.locator(".draft #words")).not_to_have_value("", timeout=20_000)
    (asked,) = await desk.shop.rows("SELECT conversation_id FROM requests")
    assert asked.conversation_id == "c-one"


async def test_after_a_snooze_letters_act_in_the_next_conversation(desk: Desk) -> None:
    page = await _three(desk)

    await page.keyboard.press("s")
    await page.keyboard.press("Enter")

    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await _at_the_name_of(page, "p-two")
    await page.keyboard.press("x")
    await expect(page.locator("#refuse")).to_be_visible()


async def test_after_a_note_letters_act_and_j_goes_on(desk: Desk) -> None:
    page = await _three(desk)

    await page.keyboard.press("n")
    await page.keyboard.type("折り返しの電話を約束した。")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#messages .note")).to_be_visible()
    await _at_the_name_of(page, "p-one")
    await page.keyboard.press("j")

    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await expect(page.locator("#note-words")).to_have_value("")


async def test_after_the_last_decision_the_keyboard_is_with_the_empty_place(desk: Desk) -> None:
    await desk.shop.say("c-only", QUESTION)
    page = await desk.visit("/?c=c-only")

    await send_by_key(page)

    await expect(page.locator("#conversation > .empty")).to_be_visible()
    await expect(page.locator("#main")).to_be_focused()


async def _three(desk: Desk) -> Page:
    for name in ("one", "two", "three"):
        await desk.shop.say(f"c-{name}", QUESTION, patient={"id": f"p-{name}", "name": f"p-{name}"})
    page = await desk.visit("/?c=c-one")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _at_the_name_of(page: Page, name: str) -> None:
    await expect(page.locator(".pane-head h2")).to_have_text(name)
    await expect(page.locator(".pane-head h2")).to_be_focused()


async def _unchanged(page: Page) -> bool:
    words = page.locator("#words")
    return await words.input_value() == await words.get_attribute("data-draft")
