"""A draft that is being written: asked for, written again, and never at the cost of what is typed."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.api.answers import REDRAFT, by_words
from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.script import Asked

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
ADDED = "どうぞお大事に。"
LONGEST = 20_000


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    """Return the stand-in for the provider: every draft but the first is another one."""
    written = 0

    def rule(asked: Asked) -> Any:
        nonlocal written
        answer = by_words(asked)
        if asked.schema_name == "WrittenReply":
            written += 1
            answer |= {"reply": REDRAFT} if written > 1 else {}
        return answer

    with OpenAIFake() as own:
        own.script.rule = rule
        yield own


async def test_a_reworded_draft_is_written_again_only_after_asking_and_the_words_are_kept(desk: Desk) -> None:
    page = await _opened(desk, "c-edited")
    await page.keyboard.press("e")
    await page.keyboard.type(ADDED)
    typed = await page.locator("#words").input_value()

    await page.keyboard.press("Alt+G")

    await expect(page.locator("#again")).to_contain_text("直した文は送られません")
    await expect(page.locator('#again [name="instruction"]')).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#again")).to_be_hidden()
    await expect(page.locator("#words")).to_be_focused()
    await expect(page.locator("#words")).to_have_value(typed)
    assert await desk.shop.rows("SELECT 1 FROM requests") == []
    await page.keyboard.press("Alt+G")
    await page.keyboard.press("Enter")
    await expect(page.locator(".draft #words")).to_have_value(REDRAFT, timeout=LONGEST)
    await expect(page.locator("#kept .text")).to_have_text(typed)
    await expect(page.locator(".pane-head h2")).to_be_focused()


async def test_an_untouched_draft_is_written_again_at_once_and_the_keyboard_stays_in_the_reply(desk: Desk) -> None:
    page = await _opened(desk, "c-untouched")
    await page.keyboard.press("e")

    await page.keyboard.press("Alt+G")

    await expect(page.locator(".draft #words")).to_have_value(REDRAFT, timeout=LONGEST)
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.type("x")
    await expect(page.locator("#refuse")).to_be_hidden()
    await expect(page.locator("#words")).to_have_value(REDRAFT + "x")


async def test_a_draft_that_is_asked_for_while_one_types_comes_beside_the_words_and_without_a_warning(
    desk: Desk,
) -> None:
    page = await _case(desk, "c-own")
    await page.locator("#words").press_sequentially(ADDED)

    await page.keyboard.press("Alt+G")

    await expect(page.locator("#notices")).to_contain_text("頼んだ返信案ができました", timeout=LONGEST)
    await expect(page.locator("#notices .notice")).to_have_count(0)
    await expect(page.locator("#words")).to_have_value(ADDED)
    await expect(page.locator("#words")).to_be_focused()
    await page.get_by_role("link", name="返信案を見る").click()
    await expect(page.locator(".draft #words")).not_to_have_value(ADDED)
    await expect(page.locator("#kept .text")).to_have_text(ADDED)


async def test_g_alone_asks_for_a_draft_and_it_goes_out(desk: Desk) -> None:
    page = await _case(desk, "c-g")

    await page.keyboard.press("g")

    await expect(page.locator(".draft #words")).not_to_have_value("", timeout=LONGEST)
    draft = await page.locator("#words").input_value()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    sent = await desk.shop.rows("SELECT o.text, s.state FROM outbox o JOIN suggestions s ON s.id = o.suggestion_id")
    assert [(row.text, row.state) for row in sent] == [(draft, "approved")]


@pytest.mark.parametrize("way", ["key", "mouse"])
async def test_the_node_at_work_is_shown_and_the_run_can_be_stopped(desk: Desk, provider: OpenAIFake, way: str) -> None:
    page = await _opened(desk, "c-stop")
    provider.script.fail(faults.hang(), times=2, schema="WrittenReply")

    await page.keyboard.press("g")

    await expect(page.locator("#running")).to_contain_text("返信案の作成", timeout=LONGEST)
    await looks_right(page, f"desk-running-{way}")
    if way == "key":
        await page.keyboard.press("Escape")
    else:
        await page.get_by_role("button", name="作成を止める").click()
    await expect(page.locator("#notices")).to_contain_text("作成を止めました")
    await expect(page.locator("#running")).to_be_hidden()
    await desk.shop.until(lambda: desk.shop.rows("SELECT 1 FROM runs WHERE state = 'stopped'"))


async def test_escape_stops_no_run_while_somebody_has_typed(desk: Desk, provider: OpenAIFake) -> None:
    page = await _case(desk, "c-typed")
    provider.script.fail(faults.hang(), times=2, schema="WrittenReply")
    await page.locator("#words").press_sequentially(ADDED)
    await page.keyboard.press("Alt+G")
    await expect(page.locator("#running")).to_contain_text("返信案の作成", timeout=LONGEST)

    await page.keyboard.press("Escape")

    await expect(page.locator("#words")).not_to_be_focused()
    await page.locator("#words").fill("")
    await page.keyboard.press("Escape")
    await expect(page.locator("#notices")).to_contain_text("作成を止めました")
    stopped = await desk.shop.rows("SELECT 1 FROM audit WHERE action = 'run_stopped'")
    assert len(stopped) == 1


async def _opened(desk: Desk, conversation_id: str, **more: Any) -> Page:
    await desk.shop.say(conversation_id, QUESTION, **more)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _case(desk: Desk, conversation_id: str) -> Page:
    """Return a page with a conversation that has a case and no draft."""
    await desk.shop.say(conversation_id, "人手語です", wait=None)
    page = await desk.visit(f"/?tab=person&c={conversation_id}")
    await expect(page.locator(".case")).to_be_visible()
    return page
