"""The patient's panel: open cases, history, corrections; and a case closed with the reply that answers it."""

from typing import Any

from playwright.async_api import Page, expect

from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

PATIENT = {
    "id": "p-panel", "name": "佐藤花子", "birth_year": 1985, "sex": "female", "allergies": ["卵"], "medicines": [],
    "orders": [{"id": "o-1", "product": "加味逍遙散", "state": "発送済み", "ships_on": "2026-11-20"}],
}  # fmt: skip


async def test_the_panel_shows_cases_orders_contacts_and_how_the_conversation_moved(desk: Desk) -> None:
    await desk.shop.say("c-panel", "体調の相談です。提案へ", patient=PATIENT)
    page = await desk.visit("/?c=c-panel")
    await page.locator("#main").focus()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    await desk.shop.say("c-other", "至急語です", patient=PATIENT)

    await page.goto("/?tab=done&c=c-panel")

    await expect(page.locator(".moves")).to_contain_text("問診 → 提案")
    await expect(page.locator(".moves")).to_contain_text("switch_phase")
    case = page.locator(".open-case")
    await expect(case).to_contain_text("至急")
    await expect(case).to_contain_text("から")
    await expect(page.locator("#known")).to_contain_text("加味逍遙散")
    await expect(page.locator("#known")).to_contain_text("返信 ")
    await looks_right(page, "desk-panel")
    await case.get_by_role("link", name="別の会話").click()
    await expect(page.locator('[data-conversation="c-other"]')).to_be_visible()


async def test_phase_and_category_are_put_right_and_stand_in_the_history(desk: Desk) -> None:
    page = await _case(desk, "c-right", "体調の相談です")
    await page.keyboard.press("e")
    await page.keyboard.type("書きかけ")
    typed = await page.locator("#words").input_value()

    await page.locator(".put-right").get_by_label("段階").select_option("taking")
    await page.get_by_role("button", name="段階・分類を訂正").click()

    await expect(page.locator("#notices")).to_contain_text("段階・分類を訂正しました。")
    await expect(page.locator(".moves li").first).to_contain_text("問診 → 服用中")
    await expect(page.locator(".moves li").first).to_contain_text("owner")
    await expect(page.locator(".pane-head .facts")).to_contain_text("服用中")
    await expect(page.locator("#words")).to_have_value(typed)
    (row,) = await desk.shop.rows("SELECT phase, category_set_by FROM conversations")
    assert (row.phase, row.category_set_by) == ("taking", None)


async def test_what_somebody_else_puts_right_appears_and_leaves_what_is_typed(desk: Desk) -> None:
    page = await _case(desk, "c-live", "体調の相談です")
    await page.keyboard.press("e")
    await page.keyboard.type("書きかけ")
    await page.locator(".put-right").get_by_label("分類").select_option("order_delivery")

    await desk.shop.http.patch("/v1/conversations/c-live", json={"phase": "purchase"})

    await expect(page.locator(".moves li").first).to_contain_text("→ 購入")
    await expect(page.locator(".put-right").get_by_label("分類")).to_have_value("order_delivery")


async def test_a_reply_closes_the_case_in_one_step(desk: Desk) -> None:
    page = await _case(desk, "c-close", "人手語です")
    closes = page.get_by_role("checkbox", name="この返信で対応済みにする")
    await expect(closes).to_be_checked()
    await looks_right(page, "desk-closes")

    await page.locator("#words").fill("お電話いたします。")
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _case_state(desk) == "resolved"


async def test_an_unchecked_box_leaves_the_case_open(desk: Desk) -> None:
    page = await _case(desk, "c-open", "人手語です")

    await page.get_by_role("checkbox", name="この返信で対応済みにする").uncheck()
    await page.locator("#words").fill("お電話いたします。")
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _case_state(desk) == "open"


async def test_an_emergency_is_closed_only_where_somebody_says_so(desk: Desk) -> None:
    page = await _case(desk, "c-urgent", "緊急語です")

    await expect(page.get_by_role("checkbox", name="この返信で対応済みにする")).not_to_be_checked()


async def test_where_somebody_has_closed_the_case_meanwhile_nothing_is_sent_and_the_words_stay(desk: Desk) -> None:
    page = await _case(desk, "c-both", "人手語です")
    await page.locator("#words").fill("お電話いたします。")
    (case,) = await desk.shop.rows("SELECT id FROM handovers")
    await desk.shop.post(f"/v1/handovers/{case.id}/resolve", {"version": 1})
    desk.watch.expect("409")

    await page.locator("#words").focus()
    await send_by_key(page)

    await expect(page.locator("#decide .notice")).to_contain_text("この件はすでに対応済みです。")
    await expect(page.locator("#words")).to_have_value("お電話いたします。")
    assert await desk.shop.rows("SELECT 1 FROM outbox") == []
    await page.locator("#words").focus()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")


async def _case(desk: Desk, conversation_id: str, words: str, **more: Any) -> Page:
    await desk.shop.say(conversation_id, words, **more)
    page = await desk.visit(f"/?tab=person&c={conversation_id}")
    await expect(page.locator("#words")).to_be_visible()
    return page


async def _case_state(desk: Desk) -> str:
    (row,) = await desk.shop.rows("SELECT state FROM handovers")
    return str(row.state)
