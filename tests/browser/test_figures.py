"""A month on the page of figures: three charts that keys can read, a table beside each, and nothing said as nothing."""

from datetime import UTC, datetime

from playwright.async_api import expect

from pharmacy.storage import sample_past
from server.demo.month import month
from tests.browser.desk import Desk
from tests.browser.looking import looks_right


async def test_a_month_is_drawn_and_told_in_tables(desk: Desk) -> None:
    program = desk.shop.program
    empty = await desk.visit("/figures")
    await expect(empty.locator(".empty")).to_contain_text("この期間にメッセージはなく")
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        await sample_past.write(tx, program.settings.pharmacy_id, month(datetime.now(UTC)))

    page = await desk.visit("/figures?days=31")

    await expect(page.locator("[data-drawn] canvas")).to_have_count(3)
    answer = (await desk.shop.http.get("/v1/figures", params={"days": 31})).json()
    for name in ("cost", "automation", "time"):
        await expect(page.locator(f'[data-twin="{name}"] tbody tr')).to_have_count(31)
    chart = page.locator('[data-chart="automation"]')
    await chart.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    share = answer["by_day"][-2]["messages"]["automation_share"]
    await expect(page.locator("#automation-read")).to_contain_text(
        f"自動返信のみで対応 {share * 100:.1f}".removesuffix(".0")
    )
    messages = answer["total"]["messages"]["messages"]
    await expect(page.locator(".figures").first).to_contain_text(f"メッセージ{messages:,}件のうち")
    await expect(page.locator(".figure-changes li")).to_have_count(len(answer["changes"]))
    await expect(page.locator("#by-node tbody tr")).to_have_count(len(answer["by_node"]))
    await looks_right(page, "figures", whole=True)
