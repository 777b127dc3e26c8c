"""Canned replies: kept on their page, inserted into a reply by key and by mouse, and sent only as any other words."""

from playwright.async_api import Page, expect

from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
GREETING = "{name}様\nご連絡ありがとうございます。"


async def test_they_are_kept_changed_and_removed_on_their_page(desk: Desk) -> None:
    page = await desk.visit("/canned-replies")
    await expect(page.get_by_text("定型文はまだありません。")).to_be_visible()
    await looks_right(page, "canned-empty")

    await page.get_by_label("短い名前").fill("挨拶")
    await page.get_by_label("本文").fill(GREETING)
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator("#main [role=status]")).to_have_text("保存しました。")
    await expect(page.locator("article")).to_contain_text("/挨拶")
    await looks_right(page, "canned")

    await page.locator("summary", has_text="直す").click()
    await page.locator("article textarea").fill("承知しました。")
    await page.locator("article").get_by_role("button", name="保存").click()
    await expect(page.locator("article .text")).to_have_text("承知しました。")

    await page.get_by_role("button", name="削除").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_role("button", name="削除しない").click()
    await expect(page.locator("article")).to_be_visible()
    await page.get_by_role("button", name="削除").click()
    await page.get_by_role("dialog").get_by_role("button", name="削除", exact=True).click()
    await expect(page.locator("#main [role=status]")).to_have_text("削除しました。")
    await expect(page.locator("article")).to_have_count(0)


async def test_what_cannot_be_kept_is_said_and_what_was_typed_stays(desk: Desk) -> None:
    page = await desk.visit("/canned-replies")
    desk.watch.expect("422")

    await page.get_by_label("短い名前").fill("用量")
    await page.get_by_label("本文").fill("{dose}を飲んでください。")
    await page.get_by_role("button", name="保存").click()

    await expect(page.locator("#main [role=alert]")).to_contain_text("使える空欄は {name} だけです。")
    await expect(page.get_by_label("短い名前")).to_have_value("用量")
    await expect(page.get_by_label("本文")).to_have_value("{dose}を飲んでください。")
    assert await desk.shop.rows("SELECT 1 FROM canned_replies") == []


async def test_of_two_people_who_change_one_the_later_is_told_and_keeps_their_words(desk: Desk) -> None:
    await _keep(desk, "挨拶", GREETING)
    one, other = await desk.visit("/canned-replies"), await desk.visit("/canned-replies")
    await _change(one, "一人め")
    desk.watch.expect("409")

    await _change(other, "二人め")

    await expect(other.locator("#main [role=alert]")).to_contain_text("別の方が先に変えました。")
    await expect(other.locator("article textarea")).to_have_value("二人め")
    await expect(other.locator("article > .text")).to_have_text("一人め")


async def test_a_slash_inserts_one_by_the_keys_with_the_patients_name(desk: Desk) -> None:
    await _keep(desk, "挨拶", GREETING)
    await _keep(desk, "受診", "一度受診をご検討ください。")
    page = await _case(desk, "c-slash", patient={"id": "p-s", "name": "佐藤花子"})

    await page.keyboard.type("/")
    await expect(page.locator("#canned [role=option]")).to_have_count(2)
    await expect(page.locator("#canned [aria-selected=true]")).to_contain_text("/受診")
    await looks_right(page, "desk-canned")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#canned [aria-selected=true]")).to_contain_text("佐藤花子様")
    await page.keyboard.press("Enter")

    await expect(page.locator("#canned")).to_be_hidden()
    await expect(page.locator("#words")).to_have_value("佐藤花子様\nご連絡ありがとうございます。")
    assert await desk.shop.rows("SELECT 1 FROM outbox") == []
    await page.keyboard.press("Control+z")
    await expect(page.locator("#words")).to_have_value("/")
    await page.keyboard.press("Control+Shift+z")
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    (sent,) = await desk.shop.rows("SELECT text FROM outbox")
    assert sent.text == "佐藤花子様\nご連絡ありがとうございます。"


async def test_the_list_narrows_while_the_name_is_typed_and_the_mouse_chooses(desk: Desk) -> None:
    await _keep(desk, "greeting", "こんにちは。")
    await _keep(desk, "thanks", "ありがとうございます。")
    page = await _case(desk, "c-mouse")

    await page.keyboard.type("一行目\n/th")
    await expect(page.locator("#canned [role=option]")).to_have_count(1)
    await page.locator("#canned [role=option]").click()

    await expect(page.locator("#words")).to_have_value("一行目\nありがとうございます。")
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.type("よろしく/th")
    await expect(page.locator("#canned")).to_be_hidden()


async def test_escape_closes_the_list_and_leaves_the_words(desk: Desk) -> None:
    await _keep(desk, "greeting", "こんにちは。")
    page = await _case(desk, "c-escape")
    await page.keyboard.type("/g")
    await expect(page.locator("#canned [role=option]")).to_have_count(1)

    await page.keyboard.press("Escape")

    await expect(page.locator("#canned")).to_be_hidden()
    await expect(page.locator("#words")).to_have_value("/g")
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.type("r")
    await expect(page.locator("#canned")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(page.locator("#words")).to_have_value("/gr\n")


async def test_enter_within_a_conversion_chooses_nothing_and_after_it_does(desk: Desk) -> None:
    await _keep(desk, "あいさつ", "こんにちは。")
    page = await _case(desk, "c-kana")
    await page.keyboard.type("/")
    await expect(page.locator("#canned [role=option]")).to_have_count(1)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Input.imeSetComposition", {"text": "あい", "selectionStart": 2, "selectionEnd": 2})

    pressed = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await devtools.send("Input.dispatchKeyEvent", pressed)
    await page.wait_for_timeout(300)

    await expect(page.locator("#words")).to_have_value("/あい")
    await devtools.send("Input.insertText", {"text": "あいさつ"})
    await expect(page.locator("#canned [role=option]")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator("#words")).to_have_value("こんにちは。")


async def test_inserted_words_pass_the_output_gate_as_any_others(desk: Desk) -> None:
    await _keep(desk, "cure", "必ず治ります。")
    page = await _case(desk, "c-gate")
    await page.keyboard.type("/cure")
    await expect(page.locator("#canned [role=option]")).to_have_count(1)
    await page.keyboard.press("Enter")
    desk.watch.expect("422")

    await send_by_key(page)

    await expect(page.locator("#decide .notice")).to_be_visible()
    await expect(page.locator("#words")).to_have_value("必ず治ります。")
    assert await desk.shop.rows("SELECT 1 FROM outbox") == []


async def test_a_name_that_nobody_knows_keeps_the_reply_back(desk: Desk) -> None:
    await _keep(desk, "aisatsu", GREETING)
    page = await _case(desk, "c-nameless")
    await page.keyboard.type("/ai")
    await expect(page.locator("#canned [role=option]")).to_have_count(1)
    await page.keyboard.press("Enter")

    await send_by_key(page)

    await page.wait_for_timeout(300)
    assert await desk.shop.rows("SELECT 1 FROM outbox") == []
    await page.keyboard.type("佐藤")
    await expect(page.locator("#words")).to_have_value("佐藤様\nご連絡ありがとうございます。")
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")


async def _case(desk: Desk, conversation_id: str, **more: object) -> Page:
    """Return a page with an empty reply in focus."""
    await desk.shop.say(conversation_id, "人手語です", **more)
    page = await desk.visit(f"/?tab=person&c={conversation_id}")
    await page.keyboard.press("e")
    await expect(page.locator("#words")).to_be_focused()
    return page


async def _change(page: Page, words: str) -> None:
    await page.locator("summary", has_text="直す").click()
    await page.locator("article textarea").fill(words)
    await page.locator("article").get_by_role("button", name="保存").click()


async def _keep(desk: Desk, name: str, words: str) -> None:
    kept = await desk.shop.http.put(f"/v1/canned-replies/{name}", json={"version": 0, "text": words})
    assert kept.status_code == 200, kept.text
