"""The first two pages anybody sees: the entrance, and what comes after it."""

from playwright.async_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.looking import looks_right


async def test_whoever_has_no_session_is_asked_for_name_and_password(desk: Desk) -> None:
    page = await desk.visit("/sign-in", signed_in=False)

    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("input[name=name]")).to_be_editable()
    await looks_right(page, "entrance")


async def test_a_one_time_link_opens_the_queue_with_what_patients_have_written(desk: Desk) -> None:
    await desk.shop.say("c-browser-1", "体調の相談です", patient={"id": "p-1"})

    page = await desk.visit()

    await expect(page).to_have_url(f"{desk.shop.url}/")
    await expect(page.get_by_text("体調の相談です").first).to_be_visible()
    await looks_right(page, "queue")


async def test_signing_out_leads_back_to_the_entrance(desk: Desk, page: Page) -> None:
    desk.watch.expect("status of 401")  # the page that asks who it is

    await page.get_by_role("button", name="サインアウト").click()

    await expect(page.locator("input[name=password]")).to_be_visible()


async def test_going_back_after_signing_out_shows_no_patient(desk: Desk) -> None:
    await desk.shop.say("c-back", "体調の相談です")
    page = await desk.visit("/?c=c-back")
    await expect(page.get_by_text("体調の相談です").first).to_be_visible()
    desk.watch.expect("status of 401")
    await page.get_by_role("button", name="サインアウト").click()
    await expect(page.locator("input[name=password]")).to_be_visible()

    await page.go_back()

    await expect(page.locator("input[name=password]")).to_be_visible()
    assert "体調の相談です" not in await page.content()
