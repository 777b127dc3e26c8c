"""What is in sight: columns scroll and the page does not, emergencies stand first, a reply's buttons never leave."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.looking import WIDTHS, looks_right, picture

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
EMERGENCY = "緊急語です。胸が苦しいです"


async def test_the_page_itself_never_scrolls_however_many_wait(desk: Desk) -> None:
    for number in range(14):
        await desk.shop.say(f"c-{number:02}", QUESTION, wait=None)
    page = await desk.visit("/")
    await expect(page.locator("[data-row]")).to_have_count(14)
    await page.locator("[data-row]").first.click()
    await expect(page.locator(".pane")).to_be_visible()

    below = await page.evaluate("() => document.scrollingElement.scrollHeight - innerHeight")

    assert below <= 0


async def test_an_emergency_stands_above_every_tab_and_opens_first(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    await desk.shop.say("c-emergency", EMERGENCY)
    page = await desk.visit("/")
    pinned = page.locator(".pinned [data-row]")

    await expect(pinned).to_have_id("row-c-emergency")
    await expect(page.locator(".tabs a", has_text="要確認").locator(".count")).to_have_text("1")
    await looks_right(page, "queue-emergency", whole=True)
    await page.keyboard.press("j")
    await expect(page.locator("[data-conversation=c-emergency] .emergency")).to_contain_text("緊急")
    await expect(page.locator(".held.tier-E")).to_be_visible()
    await looks_right(page, "conversation-emergency", whole=True)
    await page.locator(".tabs a", has_text="人が対応").click()
    await expect(page.locator("#row-c-emergency")).to_have_count(1)
    await expect(pinned).to_have_count(0)


async def test_the_head_of_every_page_leads_to_the_emergency(desk: Desk) -> None:
    await desk.shop.say("c-emergency", EMERGENCY)
    page = await desk.visit("/numbers")

    await page.locator("#standing").get_by_role("link", name="緊急 1件").click()

    await expect(page).to_have_url(re.compile(r"/\?tab=person&c=c-emergency$"))
    await expect(page.locator("[data-conversation=c-emergency]")).to_be_visible()


async def test_the_palette_finds_an_emergency_while_one_is_open(desk: Desk) -> None:
    page = await desk.visit("/")
    found = page.locator("#palette").get_by_role("option", name="緊急の会話を開く")
    await page.keyboard.press("Control+K")
    await page.keyboard.type("緊急")
    await expect(found).to_be_hidden()
    await page.keyboard.press("Escape")
    await desk.shop.say("c-emergency", EMERGENCY)
    await expect(page.locator("#standing a")).to_be_visible()
    await page.keyboard.press("Control+K")
    await page.keyboard.type("緊急")
    await expect(found).to_be_visible()

    await page.keyboard.press("Enter")

    await expect(page.locator("[data-conversation=c-emergency]")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
async def test_what_sends_a_reply_is_in_sight_however_long_the_conversation(desk: Desk, width: int) -> None:
    await desk.shop.say("c-long", f"{QUESTION}。" + "夜は頭が重いです。" * 40)
    page = await desk.visit("/?c=c-long", width=width, height=WIDTHS[width])
    send = page.locator("[data-key=send]")

    await expect(send).to_be_in_viewport(ratio=1)
    await page.locator("#words").press_sequentially("追記。" * 30)
    await expect(page.locator("#diff")).to_be_visible()
    await expect(send).to_be_in_viewport(ratio=1)
    words = await page.evaluate(
        "() => { const at = document.activeElement.getBoundingClientRect();"
        " return at.bottom <= document.querySelector('#reply > .actions').getBoundingClientRect().top; }"
    )
    await picture(page, f"reply-in-sight-{width}")
    assert words


async def test_edits_in_two_places_are_shown_as_two(desk: Desk) -> None:
    page = await _opened(desk)
    draft = await page.locator("#words").input_value()

    await page.locator("#words").fill(f"こんにちは。{draft.replace('いつでも', '遠慮なく')}")

    await expect(page.locator("#diff ins")).to_have_text(["こんにちは。", "遠慮なく"])
    await expect(page.locator("#diff del")).to_have_text(["いつでも"])
    await looks_right(page, "desk-diff")


async def test_a_draft_of_thousands_of_letters_is_compared_at_once(desk: Desk) -> None:
    page = await _opened(desk)
    draft = "".join(f"{number}番目の文です。" for number in range(600))
    await page.locator("#words").evaluate("(area, draft) => { area.dataset.draft = draft; }", draft)

    took = await page.locator("#words").evaluate(
        "(area, text) => { area.value = text; const from = performance.now();"
        " area.dispatchEvent(new InputEvent('input', { bubbles: true })); return performance.now() - from; }",
        "はじめに。" + draft.replace("300番目", "途中") + "おわりに。",
    )

    await expect(page.locator("#diff ins").first).to_contain_text("はじめに")
    assert took < 2_000


async def test_allergies_stay_in_sight_at_a_desk_and_are_a_sheet_on_a_phone(desk: Desk) -> None:
    page = await _opened(desk)
    await page.locator("#main").evaluate("(main) => main.scrollTo(0, main.scrollHeight)")
    await expect(page.get_by_text("アレルギー", exact=True)).to_be_in_viewport()

    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(page.locator("#patient")).to_be_hidden()
    await page.get_by_role("button", name="患者情報").click()

    await expect(page.get_by_text("アレルギー", exact=True)).to_be_in_viewport()
    await looks_right(page, "patient-sheet")


async def test_the_trail_fits_its_column(desk: Desk) -> None:
    page = await _opened(desk)
    await page.locator(".trail > summary").click()

    over = await page.locator(".trail .scroll").evaluate("(box) => box.scrollWidth - box.clientWidth")

    assert over <= 0


async def test_a_phones_head_leaves_the_room_to_the_patients(desk: Desk) -> None:
    page = await desk.visit("/", width=390, height=844)

    box = await page.locator("header.bar").bounding_box()

    assert box is not None
    assert box["height"] <= 110


async def _opened(desk: Desk) -> Page:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/?c=c-1")
    await expect(page.locator(".draft #words")).to_be_visible()
    return page


async def test_the_english_desk_fits_its_width(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/?c=c-1")
    await page.context.add_cookies([{"name": "kakari_language", "value": "en", "url": desk.shop.url}])
    await page.reload()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    cut = await page.locator(".tabs").evaluate("(tabs) => tabs.scrollWidth - tabs.clientWidth")
    head = await page.locator("header.bar").bounding_box()

    await picture(page, "desk-english")
    assert cut <= 0
    assert head is not None
    assert head["height"] <= 60


async def test_the_snooze_sheet_fits_a_phone(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/?c=c-1", width=390, height=844)
    await page.get_by_role("button", name="後回し").click()

    over = await page.locator("#snooze").evaluate("(sheet) => sheet.scrollWidth - sheet.clientWidth")

    await picture(page, "snooze-phone")
    assert over <= 0
