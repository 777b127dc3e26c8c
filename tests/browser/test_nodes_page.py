"""The page of nodes: who serves, since when and why, what it costs, and which models will stop."""

from playwright.async_api import expect

from pharmacy.domain.serving import Serving
from pharmacy.storage import servings
from tests.browser.desk import Desk
from tests.browser.looking import looks_right
from tests.fakes.laboratory import dataset, evaluation, training

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_each_node_says_who_serves_what_it_costs_and_when_its_models_stop(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/")

    await page.get_by_role("link", name="モデル", exact=True).press("Enter")

    card = page.locator("#node-classify")
    await expect(card.locator(".serves")).to_have_text("教師が答える")
    await expect(card).to_contain_text("openai:gpt-4o-2024-08-06")
    await expect(card).to_contain_text("1 / 1")
    await expect(card).to_contain_text("$0.0")
    await expect(card).to_contain_text("まだ評価していません")
    await expect(page.locator(".ending li").first).to_contain_text("2027年1月14日")
    await looks_right(page, "nodes", whole=True)


async def test_a_decision_stands_there_with_who_and_why_and_how_it_differs_from_the_file(desk: Desk) -> None:
    pharmacy_id = desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        serving = Serving("canary", 0.2, 0.25, "openai:ft:gpt-4o-mini-2024-07-18:example::gone")
        await servings.decide(tx, pharmacy_id, "session:tanaka", "classify", serving, "様子を見るため")

    page = await desk.visit("/nodes")

    card = page.locator("#node-classify")
    await expect(card).to_contain_text("tanaka")
    await expect(card).to_contain_text("様子を見るため")
    await expect(card.locator(".notice")).to_contain_text("教師が答えています")
    await expect(card.locator(".serves")).to_have_text("教師が答える")


async def test_a_nodes_own_page_says_all_that_is_known_of_its_models(desk: Desk) -> None:
    program = desk.shop.program
    pharmacy_id = program.settings.pharmacy_id
    version = await dataset(program.database, pharmacy_id, program.assembled.registry.fingerprint_of("classify"))
    await evaluation(program.database, pharmacy_id, version.version)
    await training(program.database, pharmacy_id, version)
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/nodes")

    await page.get_by_role("link", name="用件の分類").press("Enter")

    models = page.locator("section", has=page.locator("#models-title"))
    await expect(models.locator("tbody tr")).to_have_count(1)
    await expect(models).to_contain_text("93.8%")
    await expect(models).to_contain_text("$2.50")
    await expect(models).to_contain_text("2027年1月14日")
    await expect(page.locator("section", has=page.locator("#calls-title")).locator("tbody tr")).to_have_count(2)
    await expect(page.get_by_role("link", name="classify-1").first).to_be_visible()
    await looks_right(page, "node", whole=True)
