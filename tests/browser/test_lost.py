"""A person who asks for what is not there, or cannot be, gets a page in their language; a program gets JSON."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import expect

from server.app import create_app
from server.headers import PAGE_POLICY
from server.rights import leaves, query_names
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

HTML = {"Accept": "text/html,application/xhtml+xml"}
JSON = {"Accept": "application/json"}
BAD = [
    ("/policy?done=x", "done", "x", "次のどれかを指定してください"),
    ("/canned-replies?done=x", "done", "x", "次のどれかを指定してください"),
    ("/numbers?days=0", "days", "0", "1以上"),
    ("/numbers?days=367", "days", "367", "366以下"),
    ("/numbers?days=many", "days", "many", "整数"),
    ("/numbers?whose=everybody", "whose", "everybody", "指定してください: own, pharmacy"),
    ("/numbers?from=2026-02-31", "from", "2026-02-31", "実際にある日付"),
    ("/numbers?from=yesterday", "from", "yesterday", "実際にある日付"),
    ("/numbers?from=2026-03-02&to=2026-03-01", "from", "2026-03-02", "2026-03-01まで"),
    ("/numbers?colour=red", "colour", "red", "このような指定はありません"),
    ("/policy/versions?below=0", "below", "0", "1以上"),
    ("/policy/versions", "below", "", "指定が必要です"),
    ("/desk/rows?after=nonsense", "after", "", "最初から開いて"),
]
NOWHERE = [("/nirgends", 404, "このページはありません"), ("/policy/set", 405, "直接開けません"),
           ("/sign-in/provider", 404, "このページはありません")]  # fmt: skip


@pytest.mark.parametrize(("address", "status", "said"), NOWHERE)
async def test_a_wrong_path_is_answered_by_a_page_that_leads_back(
    desk: Desk, address: str, status: int, said: str
) -> None:
    desk.watch.expect(str(status))
    page = await desk.visit("/")

    answer = await page.goto(address)

    assert answer is not None
    assert answer.status == status
    assert (await answer.all_headers())["content-security-policy"] == PAGE_POLICY
    await expect(page.locator(".notice")).to_contain_text(said)
    await page.get_by_role("link", name="一覧に戻る").click()
    await expect(page.locator("#rows")).to_be_visible()


@pytest.mark.parametrize(("address", "name", "value", "expected"), BAD)
async def test_a_value_that_cannot_be_is_named_with_what_was_expected(
    desk: Desk, address: str, name: str, value: str, expected: str
) -> None:
    desk.watch.expect("422")
    page = await desk.visit("/")

    answer = await page.goto(address)

    assert answer is not None
    assert answer.status == 422
    await expect(page.locator(".wrong code")).to_have_text(name)
    await expect(page.locator(".wrong")).to_contain_text(value)
    await expect(page.locator(".wrong dd")).to_contain_text(expected)


@pytest.mark.parametrize("asked", ["tab=x", "phase=x", "category=x", "tier=x", "mine=x", "snoozed=x"])
async def test_the_desk_opens_without_what_it_does_not_know_and_says_so(desk: Desk, asked: str) -> None:
    await desk.shop.say("c-1", "葛根湯は食前と食後のどちらがいいですか")
    page = await desk.visit(f"/?{asked}")

    await expect(page.locator("#notices .wrong code")).to_have_text(asked.partition("=")[0])
    await expect(page.locator("#row-c-1")).to_be_visible()

    await desk.shop.say("c-2", "葛根湯は食前と食後のどちらがいいですか")
    await expect(page.locator("#row-c-2")).to_be_visible()
    await expect(page.locator("#row-c-1")).to_be_visible()


async def test_these_pages_look_right(desk: Desk) -> None:
    for _ in range(3):
        desk.watch.expect("404")
    desk.watch.expect("422")
    page = await desk.visit("/nirgends")
    await looks_right(page, "page-nowhere", whole=True)

    await page.goto("/numbers?days=0&whose=x")
    await looks_right(page, "page-unfit", whole=True)
    await page.goto("/?tab=x&category=y")
    await looks_right(page, "desk-left-out")


async def test_nobody_signed_in_is_told_the_same(desk: Desk) -> None:
    desk.watch.expect("404")
    page = await desk.visit("/nirgends", signed_in=False)

    await expect(page.locator(".notice")).to_contain_text("このページはありません")


async def test_no_value_of_any_page_is_answered_by_json(desk: Desk) -> None:
    page = await desk.visit("/")

    for address, name in _every_parameter():
        for value in ("x", "0", "y" * 5_000):
            answer = await page.request.get(address, params={name: value}, headers=HTML, max_redirects=0)
            assert answer.headers.get("content-type", "text/html").startswith("text/html"), f"{address}?{name}={value}"
            assert answer.status in (200, 303, 401, 404, 422), f"{address}?{name}={value}: {answer.status}"


async def test_a_program_is_answered_in_json(desk: Desk) -> None:
    page = await desk.visit("/")

    nowhere = await page.request.get("/nirgends", headers=JSON)
    call = await page.request.get("/v1/conversations/none", headers=HTML)

    assert (nowhere.status, await nowhere.json()) == (404, {"detail": "Not Found"})
    assert (call.status, call.headers["content-type"]) == (404, "application/json")


def _every_parameter() -> Iterator[tuple[str, str]]:
    for route in leaves(create_app().routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and not route.include_in_schema:
            yield from ((re.sub(r"\{.*?\}", "none", route.path), name) for name in sorted(query_names(route)))
