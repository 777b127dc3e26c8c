"""A student's next step on the page: said in full with every reason, decided by whom the plan names, rolled back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from distillation.datasets.building import Wanted, build
from pharmacy.domain.rights import Role
from pharmacy.domain.serving import Serving
from pharmacy.storage import access_sessions, servings
from pharmacy.storage.access_sessions import SignedIn
from server.console.languages import COOKIE
from tests.api.people import person
from tests.api.played import ASKED, approved
from tests.api.shop import Shop, running, settings_of
from tests.api.students import decide, student_of, with_students
from tests.browser.desk import Desk
from tests.browser.looking import looks_right
from tests.fakes.openai_server import OpenAIFake

NODE = "classify"
SHOWN = 14
"""Messages decided, so that some of them are held out."""
STUDENT = f"openai:{student_of(NODE)}"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, provider: OpenAIFake) -> AsyncIterator[Shop]:
    """Return a pharmacy with a student for `classify` that may take over as soon as one answer was seen."""
    plans = tmp_path / "plans"
    plans.mkdir()
    shipped = Path(__file__).parents[2] / "distillation" / "plans" / f"{NODE}.toml"
    words = shipped.read_text("utf-8").replace("minimum_cases = 500", "minimum_cases = 1")
    (plans / f"{NODE}.toml").write_text(words, "utf-8")
    settings = with_students(settings_of(database_url, tmp_path / "home", provider), provider, tmp_path, NODE)
    async with running(settings.model_copy(update={"plans_folder": plans})) as open_shop:
        yield open_shop


async def test_a_lead_lets_the_student_take_its_step_and_brings_the_teacher_back(desk: Desk) -> None:
    await _beside(desk.shop)
    page = await _signed_in(desk, Role.LEAD)
    await page.goto(f"/nodes/{NODE}")
    await expect(page.locator(".ladder [aria-current=step]")).to_contain_text("控え")
    await looks_right(page, "node-shadow")

    await page.get_by_role("link", name="次の段階へ").press("Enter")
    await expect(page.locator(".changes strong")).to_contain_text("生徒が会話の5%に答える")
    await expect(page.locator(".checks .no")).to_have_count(0)
    await looks_right(page, "promote", whole=True)
    await page.locator("#reason").fill("数字がよい")
    await page.keyboard.press("Enter")

    await expect(page.locator(".done")).to_contain_text("次の段階に進みました")
    now = await _now(desk.shop)
    assert (now.by, now.canary_share, now.student) == ("canary", 0.05, STUDENT)
    await page.get_by_role("button", name="教師に戻す…").press("Enter")
    await expect(page.locator("#roll-back .changes strong")).to_contain_text("教師が答える")
    await looks_right(page, "roll-back")
    await page.locator("#roll-back .danger").press("Enter")
    await expect(page.locator(".done")).to_contain_text("教師に戻しました")
    assert (await _now(desk.shop)).by == "teacher"
    told = await desk.shop.rows("SELECT actor FROM audit WHERE action = 'serving_set' ORDER BY seq")
    assert len({row.actor for row in told[1:]} - {"test"}) == 2


async def test_whoever_was_quicker_is_named_and_the_reason_is_kept(desk: Desk) -> None:
    await _beside(desk.shop)
    page = await _signed_in(desk, Role.ENGINEER)
    await page.goto(f"/nodes/{NODE}/promote")
    await page.locator("#reason").fill("数字がよい")
    await decide(desk.shop, NODE, Serving("canary", 0.2, 0.25, STUDENT), "session:tanaka")

    desk.watch.expect("409")
    await page.get_by_role("button", name="この段階に進める").click()

    await expect(page.locator(".newer")).to_contain_text("tanaka")
    assert (await _now(desk.shop)).canary_share == 0.2
    await expect(page.locator(".checks .no")).not_to_have_count(0)


async def test_what_is_not_measured_yet_is_refused_with_each_reason_and_the_command(desk: Desk) -> None:
    page = await _signed_in(desk, Role.LEAD)

    await page.goto(f"/nodes/{NODE}/promote")

    await expect(page.locator(".checks .no")).to_have_count(1)
    await expect(page.locator(".checks .no")).to_contain_text("今のプロンプトで教師と生徒を比べた評価がありません")
    await expect(page.locator(".checks .yes")).to_contain_text("計画が認める役割: 責任薬剤師")
    await expect(page.locator("main")).to_contain_text("kakari promote classify")
    await expect(page.locator("form.confirm")).to_have_count(0)
    await looks_right(page, "promote-refused")
    await page.context.add_cookies([{"name": COOKIE, "value": "en", "url": desk.shop.url}])
    await page.reload()
    await expect(page.locator(".checks .no")).to_contain_text("no evaluation of teacher and student under the prompt")
    await expect(page.locator(".checks .yes")).to_contain_text("the plan names lead pharmacist")


async def test_a_lead_reads_what_measuring_costs_and_has_the_student_measured_for_its_first_step(desk: Desk) -> None:
    program = desk.shop.program
    for words in ASKED[:SHOWN]:
        await approved(desk.shop, words)
    await build(program.database, program.settings, Wanted(NODE))
    page = await _signed_in(desk, Role.LEAD)
    await page.goto(f"/nodes/{NODE}/promote")

    await page.get_by_role("button", name="測る費用を確かめる").press("Enter")
    await expect(page.locator("form.measure .notice")).to_contain_text("費用は約")
    await looks_right(page, "promote-cost")
    await page.get_by_role("button", name="測って、始めさせる").press("Enter")
    measuring = program.measurings.of(program.settings.pharmacy_id, NODE)
    while measuring is None or measuring.task is None:
        await asyncio.sleep(0.05)
        measuring = program.measurings.of(program.settings.pharmacy_id, NODE)
    await measuring.task
    await page.goto(f"/nodes/{NODE}/promote")

    await expect(page.locator(".checks li", has_text="返信全体で教師に劣らない")).to_contain_text("教師との差 +0.00%")
    await expect(page.locator(".checks li", has_text="評価用の件数")).to_contain_text("3,600件以上が必要です")
    assert (measuring.why_not, measuring.found is not None) == ("", True)
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        assert NODE not in await servings.decided(tx, program.settings.pharmacy_id)


async def test_an_administrator_and_whoever_has_no_account_read_it_and_decide_nothing(desk: Desk) -> None:
    await _beside(desk.shop)
    page = await _signed_in(desk, Role.ADMIN)
    await page.goto(f"/nodes/{NODE}")
    await expect(page.get_by_role("button", name="教師に戻す…")).to_have_count(0)
    answer = await page.request.post(
        f"/nodes/{NODE}/roll-back", form={"reason": ""}, headers={"Origin": desk.shop.url}
    )  # fmt: skip
    assert answer.status == 403
    measured = await page.request.post(
        f"/nodes/{NODE}/measure", form={"version": "0", "cost_told": "yes"}, headers={"Origin": desk.shop.url}
    )  # fmt: skip
    assert measured.status == 403

    owner = await desk.visit(f"/nodes/{NODE}/promote")

    await expect(owner.locator(".checks .no")).to_contain_text("承認する人")
    await expect(owner.locator("form.confirm")).to_have_count(0)


async def test_a_pharmacist_is_not_shown_the_way_there(desk: Desk) -> None:
    page = await _signed_in(desk, Role.PHARMACIST)
    await page.goto("/")
    await expect(page.get_by_role("link", name="モデル", exact=True)).to_have_count(0)

    desk.watch.expect("403")
    await page.goto("/nodes")

    await expect(page.locator("main.lost")).to_be_visible()


async def _beside(shop: Shop) -> None:
    """Let the student answer one message beside the teacher."""
    await decide(shop, NODE, Serving("teacher", shadow_share=1.0, student=STUDENT))
    await shop.say("c-1", "いつ届きますか", patient={"id": "p-1", "consent": {"replies": True, "training": True}})
    await shop.until(lambda: shop.rows("SELECT 1 FROM shadow_answers WHERE scores <> '{}'"))


async def _signed_in(desk: Desk, role: Role) -> Page:
    who = await person(desk.shop, role)
    pharmacy_id = desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, who.name, who.id), "password")
    page = await desk.visit("/docs", signed_in=False)
    await page.context.add_cookies([{"name": "kakari_session", "value": token, "url": desk.shop.url}])
    return page


async def _now(shop: Shop) -> Serving:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        return (await servings.decided(tx, pharmacy_id))[NODE].serving
