"""Snoozing by hand: by key and by mouse, until a chosen or an own time, and nothing pressing goes out of sight."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from pharmacy.domain.snooze import times
from server.console.languages import JAPAN
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_a_conversation_is_snoozed_by_the_keys_and_the_next_one_opens(desk: Desk) -> None:
    await desk.shop.say("c-later", QUESTION)
    await desk.shop.say("c-next", "体調の相談です")
    page = await desk.visit("/?c=c-later")
    await expect(page.locator("#words")).not_to_have_value("")

    await page.keyboard.press("s")
    await expect(page.locator("#snooze")).to_be_visible()
    await looks_right(page, "desk-snooze")
    await page.keyboard.press("Enter")

    await expect(page.locator('[data-conversation="c-next"]')).to_be_visible()
    await expect(page.locator("#notices")).to_contain_text("まで後回しにしました。")
    await expect(page.locator("#row-c-later")).to_have_count(0)
    until = await _until(desk, "c-later")
    assert until is not None
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)


@pytest.mark.parametrize("choice", ["opening", "week"])
async def test_a_choice_is_the_time_that_stands_beside_it(desk: Desk, choice: str) -> None:
    page = await _opened(desk, "c-choice")
    expected = times(desk.shop.program.bell.texts.hours, datetime.now(UTC))[choice]
    await page.get_by_role("button", name="後回し").click()
    await expect(page.locator(f"#snooze [value={choice}]")).to_contain_text(expected.strftime("%H:%M"))

    await page.locator(f"#snooze [value={choice}]").click()

    await expect(page.locator("#notices")).to_contain_text("後回しにしました")
    assert await _until(desk, "c-choice") == expected


async def test_an_own_time_is_the_clock_of_japan_wherever_the_browser_is(desk: Desk) -> None:
    page = await _opened(desk, "c-own")
    tomorrow = datetime.now(JAPAN).replace(hour=15, minute=30, second=0, microsecond=0) + timedelta(days=1)
    await page.keyboard.press("s")

    await page.locator("#snooze-own").fill(tomorrow.strftime("%Y-%m-%dT%H:%M"))
    await page.keyboard.press("Enter")

    await expect(page.locator("#notices")).to_contain_text("15:30まで後回しにしました")
    assert await _until(desk, "c-own") == tomorrow


async def test_a_time_that_is_past_is_said_beside_it_and_stays_typed(desk: Desk) -> None:
    page = await _opened(desk, "c-past")
    await page.keyboard.press("s")
    desk.watch.expect("422")

    await page.locator("#snooze-own").fill("2020-01-01T09:00")
    await page.keyboard.press("Enter")

    await expect(page.locator("#snooze-refused")).to_contain_text("これから先の日時を選んでください。")
    await expect(page.locator("#snooze")).to_be_visible()
    await expect(page.locator("#snooze-own")).to_have_value("2020-01-01T09:00")
    assert await _until(desk, "c-past") is None


async def test_a_snoozed_one_says_so_and_is_brought_back(desk: Desk) -> None:
    page = await _opened(desk, "c-back")
    await page.keyboard.press("s")
    await page.keyboard.press("Enter")
    await expect(page.locator("#notices")).to_contain_text("後回しにしました")
    await page.goto("/?snoozed=1&c=c-back")
    await expect(page.locator(".snoozed")).to_contain_text("まで後回し中")
    await looks_right(page, "desk-snoozed")

    await page.get_by_role("button", name="一覧に戻す").click()

    await expect(page.locator("#notices")).to_contain_text("一覧に戻しました")
    await expect(page.locator(".snoozed")).to_have_count(0)
    assert await _until(desk, "c-back") is None


async def test_a_snoozed_emergency_stays_in_the_queue_and_the_sheet_says_so(desk: Desk) -> None:
    await desk.shop.say("c-urgent", "緊急語です")
    page = await desk.visit("/?tab=person&c=c-urgent")
    await page.keyboard.press("s")
    await expect(page.locator("#snooze .notice")).to_contain_text("緊急: この件は後回しにしても")

    await page.locator("#snooze [value=hour]").click()

    await expect(page.locator("#notices")).to_contain_text("後回しにしました")
    assert await _until(desk, "c-urgent") is not None
    await expect(page.locator("#row-c-urgent")).to_be_visible()
    await page.reload()
    await expect(page.locator("#row-c-urgent")).to_be_visible()


async def test_the_letter_typed_into_a_reply_opens_nothing(desk: Desk) -> None:
    page = await _opened(desk, "c-letter")
    await page.keyboard.press("e")

    await page.keyboard.type("sn")

    await expect(page.locator("#snooze")).to_be_hidden()
    await expect(page.locator("#words")).to_be_focused()


async def _opened(desk: Desk, conversation_id: str) -> Page:
    await desk.shop.say(conversation_id, QUESTION)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _until(desk: Desk, conversation_id: str) -> datetime | None:
    (row,) = await desk.shop.rows("SELECT snoozed_until FROM conversations WHERE id = :c", c=conversation_id)
    until: datetime | None = row.snoozed_until
    return until
