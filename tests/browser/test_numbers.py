"""A draft counts as displayed once it is really on a screen, and the page of numbers shows what became of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg
from playwright.async_api import expect

from pharmacy.storage.address import libpq, read_address
from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
DISPLAYS = "SELECT shown_to FROM displays"

# A month's work: what was decided once, as if on each day before as well.
A_MONTH = """
WITH days AS (SELECT s.id, gen_random_uuid() AS again, day * 5 + of * 7 AS turn, interval '1 day' * day AS ago
              FROM suggestions s, generate_series(1, 29) day, generate_series(1, 6) of WHERE s.state <> 'open'),
made AS (INSERT INTO suggestions (id, pharmacy_id, conversation_id, run_id, version, requested, category, phase, text,
                                  body, decision, decided_by, created_at, decided_at, state)
    SELECT again, pharmacy_id, conversation_id, run_id, version, requested, category, phase, text,
           body, decision, decided_by, created_at - ago, decided_at - ago,
           (ARRAY['approved', 'approved', 'edited', 'rejected', 'regenerated'])[turn % 5 + 1]
    FROM suggestions JOIN days USING (id))
INSERT INTO displays (pharmacy_id, suggestion_id, conversation_id, shown_to, at)
    SELECT d.pharmacy_id, again, d.conversation_id, d.shown_to, d.at - ago
    FROM displays d JOIN days ON days.id = d.suggestion_id;
"""


async def test_a_mornings_decisions_are_on_the_page_of_numbers(desk: Desk) -> None:
    for name in ("c-1", "c-2", "c-3"):
        await desk.shop.say(name, QUESTION)
    page = await desk.visit("/?c=c-1")
    await expect(page.locator(".draft")).to_be_visible()
    await desk.shop.until(lambda: desk.shop.rows(DISPLAYS))
    await send_by_key(page)
    await expect(page.locator('[data-conversation="c-2"]')).to_be_visible()
    await page.keyboard.press("e")
    await page.keyboard.type("どうぞ。")
    await send_by_key(page)
    await expect(page.locator('[data-conversation="c-3"]')).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("x")
    await page.keyboard.press("3")
    await expect(page.locator("#notices")).to_contain_text("使わない")

    await page.get_by_role("link", name="実績").press("Enter")

    figures = page.locator(".figures").first
    for name, shown in (
        ("表示", "3"),
        ("そのまま送信", "1"),
        ("直して送信", "1"),
        ("使わない", "1"),
        ("直したときの変更量", "4文字"),
    ):
        found = figures.locator("div", has=page.get_by_text(name, exact=True)).locator("b")
        await expect(found).to_have_text(shown)
    await expect(figures).to_contain_text("6%〜79%")  # one of three
    await expect(page.locator(".figures").nth(1)).to_contain_text("文体")
    await expect(page.locator("svg.chart rect")).to_have_count(3)
    await page.get_by_text("表で見る").click()
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y年%-m月%-d日")
    await expect(page.locator("details tbody tr").last).to_contain_text(today)
    await looks_right(page, "numbers")


async def test_a_draft_below_the_screen_is_not_displayed_until_somebody_scrolls_to_it(desk: Desk) -> None:
    await desk.shop.say("c-low", f"{QUESTION}。" + "夜は頭が重いです。" * 60)
    page = await desk.visit("/?c=c-low", width=390, height=300)
    await expect(page.locator("#words")).to_be_attached()
    await page.wait_for_timeout(1_000)
    before = await desk.shop.rows(DISPLAYS)

    await page.locator("#words").scroll_into_view_if_needed()

    (row,) = await desk.shop.until(lambda: desk.shop.rows(DISPLAYS))
    assert (before, row.shown_to) == ([], "session:owner")


async def test_days_are_in_the_address_and_nothing_is_said_to_be_nothing(desk: Desk) -> None:
    page = await desk.visit("/numbers")
    await expect(page.locator(".empty")).to_contain_text("あなたの画面に出た返信案はありません")

    await page.get_by_role("link", name="薬局全体").click()
    await page.get_by_role("link", name="90日間").click()
    await expect(page.locator('.several [aria-current="true"]')).to_have_count(2)
    assert "whose=pharmacy" in page.url
    assert "days=90" in page.url
    await page.get_by_label("開始日").fill("2026-11-01")
    await page.get_by_label("終了日").fill("2026-11-05")
    await page.get_by_role("button", name="表示する").click()

    assert "from=2026-11-01&to=2026-11-05" in page.url
    await expect(page.get_by_label("開始日")).to_have_value("2026-11-01")
    await looks_right(page, "numbers-empty")


async def test_a_month_on_a_phone_opens_at_today_and_its_small_print_stays_whole(desk: Desk, database_url: str) -> None:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/?c=c-1")
    await desk.shop.until(lambda: desk.shop.rows(DISPLAYS))
    await send_by_key(page)
    await desk.shop.until(lambda: desk.shop.rows("SELECT 1 FROM suggestions WHERE state = 'approved'"))
    await page.goto("about:blank")  # a month put in at once keeps the store busy, and an open desk would say so
    with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as owner:
        owner.execute(A_MONTH)
    await page.set_viewport_size({"width": 390, "height": 844})

    await page.goto("/numbers")

    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    last = page.locator("svg.chart text", has_text=f"{today.month}/{today.day}").last
    await last.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport(ratio=1)
    await expect(page.locator("svg.chart rect").last).to_be_in_viewport(ratio=0.9)
    for piece in await page.locator(".figures .bit").all():
        assert await piece.evaluate("(each) => each.getClientRects().length === 1 && each.offsetHeight < 30")
    await page.evaluate("scrollTo(0, 0)")
    await looks_right(page, "numbers-month", whole=True)
