"""In an English page every Japanese word is marked as Japanese, and in a Japanese page every English sentence."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk

UNMARKED = """([asked, other]) => {
  const found = [], words = new RegExp(other, "u");
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    if (at.closest("script") || !words.test(walk.currentNode.data)) continue;
    if (asked === "en" && /[\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Han}]/u.test(walk.currentNode.data)) continue;
    if (at.closest("[lang]").lang !== asked) found.push(walk.currentNode.data.trim());
  }
  return found;
}"""
JAPANESE = r"[\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Han}]"
ENGLISH = r"(?:[A-Za-z']+[,:;]? ){2,}[A-Za-z]+"
PAGES = [
    "/?c=c-1",
    "/?tab=person&c=c-2",
    "/policy",
    "/numbers?whose=pharmacy",
    "/canned-replies",
    "/sign-in",
    "/docs",
    "/nodes",
    "/nodes/classify",
    "/nodes/classify/promote",
    "/evaluations",
    "/datasets",
    "/annotations",
]


@pytest.fixture
async def written(desk: Desk) -> Desk:
    await desk.shop.say(
        "c-1", "葛根湯は食前と食後のどちらがいいですか", patient={"id": "patient-1", "name": "田中花子"}
    )
    await desk.shop.say("c-2", "My child is three years old. 授乳中なのですが、漢方を飲んでも大丈夫でしょうか")
    return desk


@pytest.mark.parametrize("address", PAGES)
async def test_every_japanese_word_of_an_english_page_is_marked(written: Desk, address: str) -> None:
    page = await _in_english(written)
    await page.goto(address)
    await _all_of_it(page)

    assert await _unmarked(page, "ja", JAPANESE) == []


async def test_what_comes_by_itself_is_marked_too(written: Desk) -> None:
    page = await _in_english(written)
    await page.goto("/?c=c-1")

    await written.shop.say("c-3", "冷え症に当帰芍薬散はどうですか")

    await expect(page.locator("#row-c-3")).to_be_visible()
    assert await page.locator("#row-c-3").locator("[lang=ja]").count() > 0
    assert await _unmarked(page, "ja", JAPANESE) == []


@pytest.mark.parametrize("address", PAGES)
async def test_every_english_sentence_of_a_japanese_page_is_marked(written: Desk, address: str) -> None:
    page = await written.visit("/")
    await page.goto(address)
    await _all_of_it(page)

    assert await _unmarked(page, "en", ENGLISH) == []


async def _in_english(desk: Desk) -> Page:
    page = await desk.visit("/")
    await page.context.add_cookies([{"name": "kakari_language", "value": "en", "url": desk.shop.url}])
    return page


async def _all_of_it(page: Page) -> None:
    await page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")


async def _unmarked(page: Page, asked: str, words: str) -> Any:
    return await page.evaluate(UNMARKED, [asked, words])
