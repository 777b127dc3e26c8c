"""How a draft came about: every try of every node, what it cost, and where its trace can be read."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from tests.api.shop import Shop, running, settings_of
from tests.browser.desk import Desk
from tests.fakes.openai_server import OpenAIFake

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, provider: OpenAIFake) -> AsyncIterator[Shop]:
    """Return a pharmacy whose runs are traced, to a place on this machine."""
    traced = {"langsmith_tracing": True, "langsmith_api_key": SecretStr("test"), "langsmith_endpoint": provider.url,
              "trace_url": "https://traces.example/o/1/projects/p/2/r/{run_id}"}  # fmt: skip
    settings = settings_of(database_url, tmp_path / "home", provider).model_copy(update=traced)
    async with running(settings) as open_shop:
        yield open_shop


async def test_the_trail_shows_each_try_and_leads_to_the_trace(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    (kept,) = await desk.shop.rows("SELECT run_id FROM suggestions")
    await _try_again_once(desk)
    page = await desk.visit("/?c=c-1")

    await page.locator(".trail > summary").click()

    classify = page.locator(".trail tbody tr", has=page.get_by_role("rowheader", name="classify", exact=True))
    await expect(classify).to_contain_text("(応答なし: overloaded)")
    await expect(classify).to_contain_text("危険なし")
    await expect(page.locator(".trail tbody")).not_to_contain_text(re.compile(r"[a-z]+=\d|suggestion|\(clear\)"))
    await expect(classify.locator("td").last).to_have_text("2")
    await expect(classify).to_contain_text("不明")  # the price of the failed try is not known, and so not 0
    await expect(page.locator(".trail tfoot")).to_contain_text("秒")
    link = page.get_by_role("link", name="LangSmith")
    await expect(link).to_have_attribute("href", f"https://traces.example/o/1/projects/p/2/r/{kept.run_id}")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_a_node_that_was_asked_for_a_second_draft_has_its_own_calls_each_time(desk: Desk) -> None:
    await desk.shop.say("c-2", QUESTION)
    page = await desk.visit("/?c=c-2")

    await page.locator(".trail > summary").click()

    rows = page.locator(".trail tbody tr")
    (calls,) = await desk.shop.rows("SELECT count(*) AS n FROM model_calls")
    asked = [cell for cell in await rows.locator("td:last-child").all_inner_texts() if cell]
    assert sum(map(int, asked)) == calls.n
    await expect(page.locator(".trail > summary")).to_contain_text(re.compile(r"\$0\.\d{4} · [\d.]+秒"))


async def test_costs_are_in_yen_where_the_pharmacy_has_set_a_rate(desk: Desk) -> None:
    await desk.shop.say("c-3", QUESTION)
    settings = desk.shop.program.settings
    rated = settings.model_copy(update={"yen_per_usd": "151.5 on 2026-11-20"})
    desk.shop.program.settings = rated
    page = await desk.visit("/?c=c-3")

    await page.locator(".trail > summary").click()

    await expect(page.locator(".trail > summary")).to_contain_text(re.compile(r"￥\d+\.\d\d"))
    await expect(page.locator(".trail tfoot")).to_contain_text("￥")
    await expect(page.locator(".trail")).to_contain_text("1ドル=151.5円（2026年11月20日のレート）")
    await expect(page.locator(".trail")).not_to_contain_text("$")


async def _try_again_once(desk: Desk) -> None:
    """Let the record say that the first node's answer came at the second try."""
    names = "pharmacy_id, conversation_id, run_id, node, prompt_file, prompt_fingerprint, blanks, model_asked"
    figures = "prompt_tokens, cached_tokens, completion_tokens, tokens_estimated, seconds, started_at"
    settings = desk.shop.program.settings
    async with desk.shop.program.database.begin(settings.pharmacy_id) as tx:
        await tx.exec_driver_sql(
            f"INSERT INTO model_calls ({names}, {figures}, attempt, error, cost_usd) "
            f"SELECT {names}, {figures}, 2, 'overloaded', NULL FROM model_calls WHERE node = 'classify'"
        )
