"""Whatever people write is shown as they wrote it, on every page: it runs nothing, loads nothing and leads nowhere."""

from typing import Any

from playwright.async_api import Page, expect

from pharmacy.storage import access_sessions
from pharmacy.storage.access_sessions import SignedIn
from tests.api.people import person
from tests.api.shop import Shop
from tests.browser.desk import Desk

TAG = "<img src=x onerror=\"document.title='run'\">"
HOSTILE = f"{TAG}\"'><script>document.title='run'</script>[a](javascript:alert(1)) http://evil.example/x"
ASKED = "体調の相談です。" + "朝も起きられないことが多いのですが、どの漢方がよいか教えてください。" * 5
CASE = f"{HOSTILE} 緊急語"
DRAWN = 'img, #main script, a[href^="javascript:"], a[href^="http"], a[href^="//"], [onerror], [onclick]'


async def test_hostile_words_run_nothing_on_any_page(desk: Desk) -> None:
    shop = desk.shop
    await _written_everywhere(shop)
    page = await _hostile_person(desk)

    for address, place in (
        ("/?c=c-hostile", "#conversation"),
        ("/?tab=person&c=c-case", "#conversation"),
        ("/?tab=done&q=" + "evil.example", "#rows"),
        ("/canned-replies", "main"),
        ("/policy", "main"),
        ("/numbers", "body"),
    ):
        await page.goto(address)
        await expect(page.locator("#standing")).to_be_visible()
        await page.wait_for_timeout(700)  # what is fetched once the page stands
        if place != "body":
            await expect(page.locator(place)).to_contain_text("evil.example")
        await _is_inert(page)


async def test_hostile_words_run_nothing_while_they_are_worked_with(desk: Desk) -> None:
    await _written_everywhere(desk.shop)
    page = await _hostile_person(desk)
    other = await desk.visit("/?c=c-hostile")
    await page.goto("/?c=c-hostile")
    await expect(other.locator("#present p")).to_contain_text("onerror")

    await page.locator("#words").fill(HOSTILE)
    await expect(page.locator("#diff ins")).to_contain_text("onerror")
    await expect(other.locator("#row-c-hostile .here")).to_contain_text("onerror")
    await page.locator("#words").press_sequentially("\n/")
    await expect(page.locator("#canned [role=option]")).to_contain_text("onerror")
    await page.keyboard.press("Enter")
    await page.goto("/?c=c-case")
    await _is_inert(page)
    await page.goto("/?c=c-hostile")
    await expect(page.locator("#words")).to_have_value(f"{HOSTILE}\n{HOSTILE}")
    await page.keyboard.press("Escape")
    await page.keyboard.press("x")
    await page.locator("#refuse input[name=detail]").fill(HOSTILE)
    await page.locator('#refuse [data-pick="1"]').click()
    await expect(page.locator("#notices")).to_contain_text("使わない")
    await expect(page.locator("#kept")).to_contain_text("onerror")

    for each in (page, other):
        await _is_inert(each)
    (kept,) = await desk.shop.rows("SELECT decision FROM suggestions WHERE conversation_id = 'c-hostile'")
    assert kept.decision["detail"] == HOSTILE


async def _written_everywhere(shop: Shop) -> None:
    await shop.say("c-hostile", f"{HOSTILE} {ASKED}", patient={"id": "p-1", "name": HOSTILE, "constitution": HOSTILE})
    known: dict[str, Any] = {name: [HOSTILE] for name in ("allergies", "conditions", "medicines")}
    known["orders"] = [{"id": HOSTILE, "product": HOSTILE, "state": HOSTILE}]
    await shop.say("c-case", CASE, wait=None, patient={"id": "p-2", "name": HOSTILE, **known})
    for conversation_id in ("c-hostile", "c-case"):
        noted = await shop.post(f"/v1/conversations/{conversation_id}/notes", {"text": HOSTILE})
        assert noted.status_code == 201, noted.text
    canned = await shop.http.put("/v1/canned-replies/朝", json={"text": HOSTILE, "version": 0})
    assert canned.status_code == 200, canned.text
    shown = (await shop.http.get("/v1/policy")).json()
    body = {"version": shown["version"], "reason": HOSTILE, "policy": shown["policy"] | {"hold_seconds": 30}}
    assert (await shop.http.put("/v1/policy", json=body)).status_code == 200


async def _hostile_person(desk: Desk) -> Page:
    who, pharmacy_id = await person(desk.shop), desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, TAG, who.id), "password")
    page = await desk.visit("/sign-in", signed_in=False)
    await page.context.add_cookies([{"name": "kakari_session", "value": token, "url": desk.shop.url}])
    return page


async def _is_inert(page: Page) -> None:
    assert await page.locator(DRAWN).count() == 0
    assert await page.title() != "run"
