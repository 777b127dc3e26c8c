"""Every page of the console has the same head, works under the keyboard, and passes axe; none can be forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import Page, expect

from server.app import create_app
from server.rights import leaves
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

HEADLESS = {"/sign-in", "/docs"}
"""Whole pages for whoever is not signed in; what the head shows is nothing for them."""

ASKS_FOR = {"/policy/versions": "?below=2"}
"""What some pieces of pages must be asked with."""

ELSEWHERE = {"/sign-in/provider", "/sign-in/provider/back", "/static/{name}"}
"""The way to another site and back, and files."""

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


def _addresses() -> list[str]:
    """Return every address that a browser can be sent to; pages of one thing have tests of their own."""
    return sorted({route.path for route in _routes() if route.path not in ELSEWHERE and "{" not in route.path})


def _routes() -> Iterator[APIRoute]:
    for route in leaves(create_app().routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and not route.include_in_schema:
            yield route


async def test_every_page_has_the_head_and_passes_axe(desk: Desk) -> None:
    await desk.shop.say("c-1", QUESTION)
    page = await desk.visit("/")
    whole = []
    for address in _addresses():
        answer = await page.request.get(address + ASKS_FOR.get(address, ""))
        assert answer.status == 200, f"{address}: {answer.status}"
        if "<!doctype html>" in await answer.text():
            whole.append(address)

    assert {*whole} >= HEADLESS
    for address in whole:
        await page.goto(address)
        if address not in HEADLESS:
            await _has_the_head(page, address)
        await looks_right(page, f"page-{re.sub('[^a-z]+', '-', address).strip('-') or 'desk'}", whole=True)


async def _has_the_head(page: Page, address: str) -> None:
    assert await page.locator(".pages a[aria-current=page]").get_attribute("href") == address
    await expect(page.locator("#standing")).to_contain_text("1件")
    await expect(page.locator(".stop-sending")).to_be_visible()
    await page.keyboard.press("Shift+Slash")
    await expect(page.locator("#sheet")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="設定", exact=True).click()
    await expect(page.locator("#settings")).to_contain_text("English")
    await page.keyboard.press("Escape")


@pytest.mark.parametrize("address", ["/canned-replies", "/policy", "/numbers"])
async def test_the_pages_beside_the_desk_hear_of_an_emergency_and_stop_sending(desk: Desk, address: str) -> None:
    page = await desk.visit(address)
    await expect(page.locator("#standing")).to_contain_text("待っている方はいません")

    await desk.shop.say("c-alarm", "緊急語", wait=None)
    await expect(page.locator("#standing")).to_contain_text("緊急 1件")
    await expect(page).to_have_title(re.compile("^⚠"))
    await page.locator(".stop-sending").click()
    await page.locator("#switch-stop .danger").click()

    await expect(page.locator(".stopped")).to_be_visible()


async def test_the_palette_leads_from_one_page_to_another(desk: Desk) -> None:
    page = await desk.visit("/numbers")

    await page.keyboard.press("Control+k")
    await page.keyboard.type("定型文")
    await page.keyboard.press("Enter")

    await expect(page.locator(".pages [aria-current=page]")).to_have_text("定型文")
    await expect(page.locator("#palette [data-act=refuse]")).to_have_count(0)


def test_the_templates_share_one_head() -> None:
    templates = Path(__file__).parents[2] / "server" / "console" / "templates"
    having = [each.name for each in templates.glob("*.html") if '<header class="bar">' in each.read_text("utf-8")]

    assert having == ["page_head.html"]
