"""Leaving by keys: a search, a sheet, a field; the keyboard is then where the next letter makes sense."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


@pytest.mark.parametrize("way", ["Escape", "Enter"])
async def test_a_search_that_is_left_stays_as_it_is_and_j_goes_through_what_it_found(desk: Desk, way: str) -> None:
    page = await _two(desk)
    await page.keyboard.press("/")
    await page.keyboard.type("花子")
    await expect(page.locator("[data-row]")).to_have_count(1)

    await page.keyboard.press(way)

    await expect(page.locator(".queue")).to_be_focused()
    await expect(page.locator("#q")).to_have_value("花子")
    await expect(page.locator("[data-row]")).to_have_count(1)
    await expect(page).to_have_url(re.compile("[?&]q=%E8%8A%B1%E5%AD%90"))
    await page.keyboard.press("j")
    await expect(page.locator('[data-conversation="c-two"]')).to_be_visible()
    await page.reload()
    await expect(page.locator("#q")).to_have_value("花子")
    await expect(page.locator("[data-row]")).to_have_count(1)


async def test_escape_gives_the_focus_back_to_the_row_or_the_button_that_a_sheet_was_opened_from(desk: Desk) -> None:
    page = await _two(desk)
    row, button = page.locator("#row-c-one"), page.locator('.draft [data-key="instruct"]')
    await row.focus()

    await page.keyboard.press("x")
    await expect(page.locator("#refuse")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#refuse")).to_be_hidden()
    await expect(row).to_be_focused()

    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#again")).to_be_visible()
    await page.locator('#again [name="instruction"]').focus()
    await page.keyboard.press("Escape")
    await expect(page.locator("#again")).to_be_hidden()
    await expect(button).to_be_focused()


async def test_a_sheet_that_was_opened_from_nowhere_leaves_the_keyboard_with_the_conversation(desk: Desk) -> None:
    page = await _two(desk)
    await expect(page.locator("body")).to_be_focused()

    await page.keyboard.press("Shift+G")
    await expect(page.locator('#again [name="instruction"]')).to_be_focused()
    await page.keyboard.press("Escape")

    await expect(page.locator("#again")).to_be_hidden()
    await expect(page.locator(".pane-head h2")).to_be_focused()


async def _two(desk: Desk) -> Page:
    await desk.shop.say("c-one", QUESTION, patient={"id": "p-one", "name": "佐藤一郎"})
    await desk.shop.say("c-two", QUESTION, patient={"id": "p-two", "name": "鈴木花子"})
    page = await desk.visit("/?c=c-one")
    await expect(page.locator("#words")).not_to_have_value("")
    return page
