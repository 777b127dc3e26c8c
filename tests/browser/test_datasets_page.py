"""The pages of datasets: counts, shares beside those of production, what was left out; no patient's word."""

from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.looking import looks_right
from tests.fakes.laboratory import dataset, evaluation, training


async def test_a_version_says_what_it_holds_what_it_lost_and_what_was_left_out(desk: Desk) -> None:
    program = desk.shop.program
    pharmacy_id = program.settings.pharmacy_id
    version = await dataset(program.database, pharmacy_id, program.assembled.registry.fingerprint_of("classify"))
    await evaluation(program.database, pharmacy_id, version.version)
    await training(program.database, pharmacy_id, version)
    await training(program.database, pharmacy_id, version, "running")

    page = await desk.visit("/datasets")
    await expect(page.locator("tbody").first.locator("tr")).to_have_count(1)
    await expect(page.locator("tbody").nth(1)).to_contain_text("学習中")
    await looks_right(page, "datasets", whole=True)
    await page.get_by_role("link", name="classify-1").press("Enter")

    splits = page.locator("section", has=page.locator("#splits-title"))
    await expect(splits.locator("tbody tr").last).to_contain_text("評価用")
    await expect(splits.locator("tbody tr").last.locator("td").first).to_have_text("240")
    await expect(page.locator(".strata tbody tr").first).to_contain_text("体調相談")
    await expect(page.locator("section", has=page.locator("#left-title"))).to_contain_text("学習への同意がない")
    await expect(page.locator(".notice")).to_have_count(0)
    await looks_right(page, "dataset", whole=True)


async def test_what_no_longer_fits_and_what_is_not_there_is_said(desk: Desk) -> None:
    program = desk.shop.program
    await dataset(program.database, program.settings.pharmacy_id, "3f9c1a77b0de")
    page = await desk.visit("/datasets/classify-1")
    await expect(page.locator(".notice")).to_contain_text("別のプロンプト")

    desk.watch.expect("404")
    await page.goto("/datasets/classify-9")

    await expect(page.locator("main.lost")).to_be_visible()
