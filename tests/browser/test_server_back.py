"""The server is killed while a reply is being written: the page says so, keeps the words, and goes on by itself."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, expect

from tests.api.automatic import shipped_policy
from tests.api.shop import Shop
from tests.browser.desk import Desk, send_by_key
from tests.browser.looking import looks_right
from tests.browser.watching import Watch
from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import Kakari
from tests.faults.proxy import Proxy

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
ADDED = "どうぞお大事に。"
CUTS = 5
AGAIN_MILLISECONDS = 15_000
"""For the page to find a server that is there again: its own two seconds, on a busy machine."""


@pytest.fixture
def process(shop: Shop, database_url: str, tmp_path: Path, provider: OpenAIFake) -> Kakari:
    """Return a server of its own before the shop's database; the shop goes on where it is killed."""
    served = {"DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "test"}
    return Kakari(tmp_path / "process", served | {"KAKARI_SETTLE_SECONDS": "0"})


@pytest.fixture
async def before_it(chromium: Browser, shop: Shop, process: Kakari) -> AsyncIterator[Desk]:
    """Return what opens browsers before that server."""
    watch = Watch(process.url)
    async with AsyncExitStack() as closing:
        yield Desk(chromium, replace(shop, url=process.url), watch, closing)
        went_wrong = watch.found()
    assert went_wrong == [], "\n".join(went_wrong)


@pytest.mark.timed
async def test_a_reply_survives_the_server_and_goes_out_once_when_it_is_back(
    process: Kakari, before_it: Desk, shop: Shop
) -> None:
    await shop.say("c-away", QUESTION)
    with process:
        process.ready()
        page = await before_it.visit("/?c=c-away")
        await page.locator("#words").press_sequentially(ADDED)
        typed = await page.locator("#words").input_value()
        before_it.watch.expect("net::ERR_|Failed to fetch|network error")

        process.kill()

        await expect(page.locator("#away")).to_contain_text("サーバーにつながっていません", timeout=AGAIN_MILLISECONDS)
        await expect(page.locator("#words")).to_have_value(typed)
        await looks_right(page, "desk-away")
        await page.locator("#words").focus()
        await send_by_key(page)
        await expect(page.locator("#away")).to_contain_text("送信していません")
        await expect(page.get_by_role("button", name="直して送る")).to_be_enabled()
        await page.locator("#words").focus()
        await send_by_key(page)
        await expect(page.locator("#words")).to_have_value(typed)
        assert await _sent(shop) == []
        await shop.say("c-else", "体調の相談です", wait=None)

        with process:
            process.ready()
            await expect(page.locator("#away")).to_be_hidden(timeout=AGAIN_MILLISECONDS)
            await expect(page.locator("#row-c-else")).to_be_visible()
            await expect(page.locator("#words")).to_have_value(typed)
            await page.locator("#words").focus()
            await send_by_key(page)
            await expect(page.locator("#notices")).to_contain_text("送りました")
            await shop.say("c-later", "体調の相談です", wait=None)
            await expect(page.locator("#row-c-later")).to_be_visible(timeout=AGAIN_MILLISECONDS)
    assert await _sent(shop) == [typed]


@pytest.mark.timed
async def test_beside_the_desk_a_stop_that_did_not_reach_the_server_is_said_to_be_none(
    process: Kakari, before_it: Desk, shop: Shop
) -> None:
    with process:
        process.ready()
        page = await before_it.visit("/policy")
        before_it.watch.expect("net::ERR_|Failed to fetch|network error")

        process.kill()

        await expect(page.locator("#away")).to_contain_text("サーバーにつながっていません", timeout=AGAIN_MILLISECONDS)
        await looks_right(page, "policy-away")
        await page.get_by_role("button", name="自動送信を止める…").click()
        await page.get_by_role("button", name="今すぐ止める").click()
        await expect(page.locator("#away")).to_contain_text("送信していません")
        await page.get_by_role("button", name="止めない").click()
        await page.get_by_role("button", name="変更を確認する").click()
        await expect(page.locator("#away")).to_contain_text("送信していません")
        assert (await shipped_policy(shop))["kill_switch"]["on"] is False

        with process:
            process.ready()
            await expect(page.locator("#away")).to_be_hidden(timeout=AGAIN_MILLISECONDS)
            await page.get_by_role("button", name="自動送信を止める…").click()
            await page.get_by_role("button", name="今すぐ止める").click()
            await expect(page.locator("#switch")).to_contain_text("自動送信は停止中です")
    assert (await shipped_policy(shop))["kill_switch"]["on"] is True


@pytest.mark.timed
async def test_a_stream_that_is_cut_again_and_again_misses_nothing_and_shows_nothing_twice(
    chromium: Browser, shop: Shop
) -> None:
    ids = [f"row-c-cut-{number}" for number in range(CUTS)]
    address = urlsplit(shop.url)
    async with AsyncExitStack() as closing:
        proxy = closing.enter_context(Proxy((str(address.hostname), int(address.port or 0))))
        watch = Watch(proxy.url)
        watch.expect("net::ERR_|Failed to fetch|network error")
        page = await Desk(chromium, replace(shop, url=proxy.url), watch, closing).visit("/")
        for number, row in enumerate(ids):
            proxy.cut()
            await shop.say(f"c-cut-{number}", "体調の相談です", wait=None)
            proxy.cut()
            await expect(page.locator(f"#{row}")).to_be_visible(timeout=AGAIN_MILLISECONDS)
        await expect(page.locator("#away")).to_be_hidden(timeout=AGAIN_MILLISECONDS)
        shown = await page.locator("#rows [data-row]").evaluate_all("(rows) => rows.map((row) => row.id)")
        went_wrong = watch.found()
    assert sorted(shown) == ids
    assert went_wrong == []


@pytest.mark.parametrize("own", [False, True], ids=["a-draft", "ones-own-reply"])
async def test_an_answer_that_is_lost_is_said_to_be_uncertain_and_nothing_goes_out_twice(desk: Desk, own: bool) -> None:
    await desk.shop.say("c-lost", "緊急語" if own else QUESTION, wait=None if own else 20)
    page = await desk.visit("/?c=c-lost")
    await page.locator("#words").press_sequentially(ADDED)
    typed = await page.locator("#words").input_value()
    await page.route("**/desk/**/respond" if own else "**/desk/**/send", _carried_out_and_lost)
    desk.watch.expect("ERR_FAILED|Failed to fetch")

    await send_by_key(page)

    # The news that it went out all the same may be quicker than the loss of the answer.
    said = re.compile("実行されたかどうか分かりません|返信先の状況が変わりました")
    await expect(page.locator("#notices")).to_contain_text(said)
    await expect(page.locator("#words")).to_have_value(typed)
    await page.unroute_all()
    desk.watch.expect("409")
    await page.locator("#words").focus()
    await send_by_key(page)
    await expect(page.locator("#decide [role=alert]").first).to_be_visible()
    await expect(page.locator("#words")).to_have_value(typed)
    assert await _sent(desk.shop) == [typed]


async def test_an_error_page_of_what_stands_before_the_server_is_never_shown_in_place_of_the_reply(desk: Desk) -> None:
    await desk.shop.say("c-proxy", QUESTION)
    page = await desk.visit("/?c=c-proxy")
    await page.locator("#words").press_sequentially(ADDED)
    typed = await page.locator("#words").input_value()
    await page.route("**/desk/**/send", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    desk.watch.expect("502")

    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("実行されたかどうか分かりません")
    await expect(page.locator("#words")).to_have_value(typed)
    await page.unroute_all()
    await page.locator("#words").focus()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk.shop) == [typed]


async def _carried_out_and_lost(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def _sent(shop: Shop) -> list[str]:
    rows = await shop.rows("SELECT text FROM outbox WHERE kind = 'reply' ORDER BY created_at")
    return [row.text for row in rows]
