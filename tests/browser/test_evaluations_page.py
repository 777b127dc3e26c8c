"""The pages of evaluations: what got worse stands first, every mean with its interval, each picture with its table."""

import re

from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.looking import looks_right
from tests.fakes.laboratory import STUDENT, dataset, evaluation


async def test_an_evaluation_shows_what_got_worse_first_then_how_much_then_who_took_what_for_what(desk: Desk) -> None:
    program = desk.shop.program
    pharmacy_id = program.settings.pharmacy_id
    version = await dataset(program.database, pharmacy_id, program.assembled.registry.fingerprint_of("classify"))
    of = await evaluation(program.database, pharmacy_id, version.version)

    page = await desk.visit("/evaluations")
    await page.locator("tbody th a").press("Enter")
    await expect(page).to_have_url(re.compile(f"/evaluations/{of.id}$"))

    headings = await page.locator("h3").all_text_contents()
    assert headings[0] == "悪くなった件"
    assert of.figures is not None
    student = of.figures["comparisons"][0]
    first = page.locator("section", has=page.locator("#worse")).locator("tbody").first.locator("tr")
    await expect(first).to_have_count(min(20, student["regression_count"]))
    await expect(first.first).to_contain_text("重大")
    await expect(page.locator(".forest svg")).to_have_count(
        3 + sum(len(one["differences"]) for one in of.figures["comparisons"])
    )
    side = page.locator("section", has=page.locator("#means-title"))
    await expect(side.locator("thead th")).to_have_count(3)
    await expect(side).to_contain_text(STUDENT)
    await expect(side).to_contain_text("マクロF1")
    await expect(page.locator(".confusion")).to_have_count(3)
    await looks_right(page, "evaluation", whole=True)

    await page.locator("select[name=category]").select_option("pharmacist_only")
    await page.get_by_role("button", name="表示する").press("Enter")
    of_one = [one for one in student["regressions"] if one["category"] == "pharmacist_only"]
    only = page.locator("section", has=page.locator("#worse")).locator("tbody").first.locator("tr")
    await expect(only).to_have_count(min(20, len(of_one)))
    await expect(only.first).to_contain_text("薬剤師が対応")


async def test_the_list_is_paged_and_kept_to_one_node(desk: Desk) -> None:
    program = desk.shop.program
    pharmacy_id = program.settings.pharmacy_id
    version = await dataset(program.database, pharmacy_id, "3f9c1a77b0de")
    for number in range(21):
        await evaluation(program.database, pharmacy_id, version.version, key=f"key-{number}")
    page = await desk.visit("/evaluations")
    await expect(page.locator("tbody tr")).to_have_count(20)
    await looks_right(page, "evaluations", whole=True)

    await page.get_by_role("link", name="以前のものを見る").press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.locator("select[name=node]").select_option("judge")
    await page.get_by_role("button", name="表示する").click()

    await expect(page.locator(".empty")).to_contain_text("kakari evaluate judge")


async def test_an_evaluation_that_is_none_is_not_there(desk: Desk) -> None:
    desk.watch.expect("404")

    page = await desk.visit("/evaluations/nothing")

    await expect(page.locator("main.lost")).to_be_visible()
