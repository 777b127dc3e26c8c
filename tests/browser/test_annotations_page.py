"""The annotation queue: each run is one person's at a time, labelled by keys, and what is said becomes labels."""

import json

from playwright.async_api import Page, expect

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import access_sessions, annotating
from pharmacy.storage.access_sessions import SignedIn
from tests.api.people import person
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
AGREES = {"consent": {"replies": True, "training": True}}


async def test_a_run_is_labelled_by_keys_alone_and_the_next_one_opens(desk: Desk) -> None:
    for number in (1, 2):
        await _refused(desk, f"c-{number}", f"p-{number}")
    page = await desk.visit("/annotations")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("tbody tr").first).to_contain_text("使われなかった")
    await looks_right(page, "annotations", whole=True)

    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".turns")).to_contain_text(QUESTION)
    await looks_right(page, "annotation", whole=True)
    first = page.url
    await page.keyboard.press("3")
    await expect(page.locator('input[name="category"]:checked')).to_have_value("order_delivery")
    await page.keyboard.press("e")
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+Enter")

    await expect(page.locator("main")).to_contain_text("1件が待っています")
    assert page.url != first
    await page.keyboard.press("x")
    await expect(page.locator(".empty")).to_be_visible()
    said = {label.node: (label.corrected, label.score, label.words) for label in await _labels(desk)}
    assert said["classify"] == ("order_delivery", None, "own")
    assert said["switch_phase"] == (None, 1.0, "own")
    assert said["judge"] == (None, 1.0, "own")
    assert [node for node in said if node.startswith("generate_")] == []  # another category's reply teaches nothing


async def test_a_better_reply_and_another_mark_become_labels_of_generator_and_judge(desk: Desk) -> None:
    await _refused(desk, "c-1", "p-1")
    page = await desk.visit("/annotations")
    await page.get_by_role("button", name="次のものから始める").click()

    await page.locator("#words").fill("食前にお飲みください。")
    await page.locator('[name="mark.tone"]').select_option("2")
    await page.get_by_role("button", name="保存して次へ").click()

    await expect(page.locator(".empty")).to_be_visible()
    said = {label.key: label.corrected for label in await _labels(desk)}
    assert said["generate"] == "食前にお飲みください。"
    assert said["judge"]["tone"] == 2
    told = await desk.shop.rows("SELECT body FROM audit WHERE action = 'annotated'")
    assert "食前" not in json.dumps([row.body for row in told], ensure_ascii=False)


async def test_two_people_are_never_given_the_same_run_and_whoever_is_late_keeps_their_words(desk: Desk) -> None:
    await _refused(desk, "c-1", "p-1")
    page, other = await desk.visit("/annotations"), await _engineer(desk)
    await page.get_by_role("button", name="次のものから始める").click()
    await expect(page.locator("#words")).to_be_visible()

    await other.goto("/annotations")
    await expect(other.locator("tbody")).to_contain_text("owner")
    await other.get_by_role("button", name="次のものから始める").click()
    await expect(other).to_have_url(f"{desk.shop.url}/annotations?done=all")
    await other.goto(page.url)
    await expect(other.locator(".newer")).to_contain_text("owner")
    await expect(other.get_by_role("button", name="保存して次へ")).to_be_disabled()
    await looks_right(other, "annotation-taken")

    await desk.shop.rows("UPDATE annotation_items SET reserved_by = 'session:x' RETURNING run_id")
    await page.locator("#words").fill("食前です。")
    desk.watch.expect("409")
    await page.get_by_role("button", name="保存して次へ").click()
    await expect(page.locator("#words")).to_have_value("食前です。")
    assert await _labels(desk) == []


async def test_nobody_without_the_right_to_words_and_no_patient_who_does_not_agree(desk: Desk) -> None:
    await _refused(desk, "c-1", "p-1", agrees=False)
    page = await desk.visit("/annotations")
    await expect(page.locator(".empty")).to_be_visible()
    await looks_right(page, "annotations-empty")
    stranger = await _signed_in(desk, Role.ENGINEER)
    await stranger.goto("/nodes")
    await expect(stranger.get_by_role("link", name="見直し")).to_have_count(0)

    desk.watch.expect("403")
    await stranger.goto("/annotations")

    await expect(stranger.locator("main.lost")).to_be_visible()


async def _refused(desk: Desk, conversation_id: str, patient_id: str, *, agrees: bool = True) -> None:
    patient = {"id": patient_id, **(AGREES if agrees else {"consent": {"replies": True, "training": False}})}
    outcome = await desk.shop.say(conversation_id, QUESTION, patient=patient)
    body = {"version": outcome["version"], "reason": "tone"}
    answer = await desk.shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/reject", body)
    assert answer.status_code == 200, answer.text


async def _engineer(desk: Desk) -> Page:
    return await _signed_in(desk, Role.ENGINEER, (Right.READ_WORDS,))


async def _signed_in(desk: Desk, role: Role, rights: tuple[Right, ...] = ()) -> Page:
    who = await person(desk.shop, role, rights)
    pharmacy_id = desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, who.name, who.id), "password")
    page = await desk.visit("/docs", signed_in=False)
    await page.context.add_cookies([{"name": "kakari_session", "value": token, "url": desk.shop.url}])
    return page


async def _labels(desk: Desk) -> list[annotating.Label]:
    pharmacy_id = desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        return await annotating.labels_of(tx, pharmacy_id)
