"""Private notes at the desk: kept by key and by mouse, apart from the messages, and never sent."""

from playwright.async_api import Page, expect

from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
NOTE = "折り返しの電話を約束した。"


async def test_a_note_is_kept_by_the_keys_and_nothing_is_sent(desk: Desk) -> None:
    page = await _opened(desk, "c-note")
    draft = await page.locator("#words").input_value()

    await page.keyboard.press("n")
    await expect(page.locator("#note-words")).to_be_focused()
    await page.keyboard.type(NOTE)
    await page.keyboard.press("Control+Enter")

    note = page.locator("#messages .note")
    await expect(note).to_contain_text(NOTE)
    await expect(note).to_contain_text("メモ・送信されません")
    await expect(note).to_contain_text("owner")
    await expect(page.locator("#note-words")).to_have_value("")
    await expect(page.locator(".pane-head h2")).to_be_focused()
    await expect(page.locator('[data-conversation="c-note"]')).to_be_visible()
    await expect(page.locator("#words")).to_have_value(draft)
    assert await desk.shop.rows("SELECT 1 FROM outbox") == []
    await looks_right(page, "desk-note")


async def test_the_same_key_sends_the_reply_from_the_replys_own_field(desk: Desk) -> None:
    page = await _opened(desk, "c-control")
    await page.keyboard.press("n")
    await page.keyboard.type(NOTE)

    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await desk.shop.rows("SELECT 1 FROM notes") == []
    (sent,) = await desk.shop.rows("SELECT text FROM outbox")
    assert NOTE not in sent.text


async def test_no_key_keeps_a_note_while_a_conversion_is_open(desk: Desk) -> None:
    page = await _opened(desk, "c-kana")
    await page.keyboard.press("n")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Input.imeSetComposition", {"text": "めも", "selectionStart": 2, "selectionEnd": 2})

    pressed = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "modifiers": 2, "windowsVirtualKeyCode": 229}
    await devtools.send("Input.dispatchKeyEvent", pressed)
    await page.wait_for_timeout(400)

    assert await desk.shop.rows("SELECT 1 FROM notes") == []
    await devtools.send("Input.insertText", {"text": "メモ"})
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#messages .note")).to_contain_text("メモ")


async def test_a_note_stands_between_the_messages_that_it_was_written_between(desk: Desk) -> None:
    page = await _opened(desk, "c-order")
    await page.locator("#note-words").fill(NOTE)
    await page.get_by_role("button", name="メモを残す").click()
    await expect(page.locator("#messages .note")).to_be_visible()

    await desk.shop.say("c-order", "食後に飲みました")

    await expect(page.locator("#messages")).to_contain_text("食後に飲みました")
    order = await page.locator("#messages li").evaluate_all("all => all.map(each => each.className.split(' ')[0])")
    assert order == ["message", "note", "message"]


async def test_another_persons_note_appears_and_leaves_what_is_being_noted(desk: Desk) -> None:
    one, other = await _opened(desk, "c-two"), await desk.visit("/?c=c-two")
    await other.keyboard.press("n")
    await other.keyboard.type("書きかけ")

    await one.locator("#note-words").fill(NOTE)
    await one.get_by_role("button", name="メモを残す").click()

    await expect(other.locator("#messages .note")).to_contain_text(NOTE)
    await desk.shop.say("c-two", "やっぱり注文の配送についてです")
    await expect(other.locator("#messages")).to_contain_text("注文の配送")
    await expect(other.locator("#note-words")).to_have_value("書きかけ")
    await expect(other.locator("#note-words")).to_be_focused()


async def test_a_note_begun_is_there_again_after_a_look_at_somebody_else(desk: Desk) -> None:
    await desk.shop.say("c-else", "体調の相談です")
    page = await _opened(desk, "c-begun")
    await page.locator("#note-words").fill("書きかけ")

    await page.locator("#row-c-else").click()
    await expect(page.locator('[data-conversation="c-else"]')).to_be_visible()
    await expect(page.locator("#note-words")).to_have_value("")
    await page.locator("#row-c-begun").click()

    await expect(page.locator('[data-conversation="c-begun"]')).to_be_visible()
    await expect(page.locator("#note-words")).to_have_value("書きかけ")


async def test_a_hostile_note_does_nothing(desk: Desk) -> None:
    page = await _opened(desk, "c-hostile")

    await page.locator("#note-words").fill('<img src=x onerror="document.title=1">\u202e')
    await page.get_by_role("button", name="メモを残す").click()

    await expect(page.locator("#messages .note")).to_contain_text("<img src=x")
    await expect(page.locator("#messages .note")).to_contain_text("[U+202E]")
    assert await page.locator("#messages img").count() == 0


async def _opened(desk: Desk, conversation_id: str) -> Page:
    await desk.shop.say(conversation_id, QUESTION)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    return page
