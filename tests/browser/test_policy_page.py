"""The page of automatic sending: reviewed before it is set, stopped by one confirmation, each held text cancelled."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import access_sessions
from pharmacy.storage.access_sessions import SignedIn
from tests.api.automatic import known, let, shipped_policy
from tests.api.people import person
from tests.browser.desk import Desk
from tests.browser.looking import looks_right

QUESTION = "葛根湯は食前と食後のどちらがいいですか"
CELL = "modes.product_usage.intake"


async def test_a_change_is_reviewed_with_its_reason_before_it_is_set_and_stands_in_the_record(desk: Desk) -> None:
    page = await desk.visit("/policy")
    await page.locator(f'[name="{CELL}"]').select_option("auto")
    await page.locator('[name="limits.per_day"]').fill("50")
    await page.get_by_role("button", name="変更を確認する").click()

    await expect(page.locator(".changes li")).to_have_count(2)
    await expect(page.locator(".changes")).to_contain_text("飲み方・商品 · 問診")
    await expect(page.locator(".changes li").nth(1)).to_contain_text("100")
    await expect(page.locator(".changes li").nth(1).locator("strong")).to_contain_text("50")
    assert (await shipped_policy(desk.shop))["version"] == 0
    await looks_right(page, "policy-review")
    await page.get_by_label("変更の理由").fill("夜間の問い合わせが多いため")
    await page.keyboard.press("Enter")

    await expect(page.locator(".done")).to_contain_text("設定しました")
    await expect(page.locator(f'[name="{CELL}"]')).to_have_value("auto")
    await expect(page.locator(".differs")).to_have_count(2)
    await expect(page.locator(".versions li").first).to_contain_text("夜間の問い合わせが多いため")
    shown = await shipped_policy(desk.shop)
    assert (shown["version"], shown["policy"]["modes"]) == (1, {"product_usage": {"intake": "auto"}})
    assert [row.action for row in await desk.shop.rows("SELECT action FROM audit WHERE action = 'policy_set'")] != []
    await looks_right(page, "policy")


async def test_whoever_was_quicker_is_shown_and_what_was_entered_is_kept(desk: Desk) -> None:
    page = await desk.visit("/policy")
    await page.locator('[name="limits.per_day"]').fill("50")
    await page.get_by_role("button", name="変更を確認する").click()
    await page.get_by_label("変更の理由").fill("様子を見るため")
    await let(desk.shop, hold_seconds=30, modes={})

    desk.watch.expect("409")
    await page.get_by_role("button", name="設定する").click()

    await expect(page.locator(".newer")).to_contain_text("送信前の待ち時間")
    await expect(page.locator(".newer .changes li")).to_have_count(1)
    await expect(page.get_by_label("変更の理由")).to_have_value("様子を見るため")
    assert (await shipped_policy(desk.shop))["policy"]["limits"]["per_day"] == 100
    await page.get_by_role("button", name="設定する").click()
    await expect(page.locator(".done")).to_contain_text("設定しました")
    now = (await shipped_policy(desk.shop))["policy"]
    assert (now["limits"]["per_day"], now["hold_seconds"]) == (50, 30)


async def test_it_is_stopped_by_one_confirmation_everywhere_and_run_again_with_a_reason(desk: Desk) -> None:
    await let(desk.shop, hold_seconds=600)
    conversation_id = await _held(desk)
    page, other = await desk.visit("/"), await desk.visit("/policy")
    await expect(other.locator(".held-texts li")).to_have_count(1)

    await page.get_by_role("button", name="自動送信を止める…").click()
    await page.get_by_label("理由(任意)").fill("返信がおかしい")
    await page.keyboard.press("Enter")

    await expect(page.locator(".stopped")).to_contain_text("返信がおかしい")
    await expect(page.locator("#switch-told")).to_contain_text("1件を薬剤師の確認に戻しました")
    await expect(other.locator(".stopped")).to_contain_text("自動送信は停止中です")
    await expect(other.locator("#held")).to_contain_text("待っている返信はありません")
    assert (await desk.shop.conversation(conversation_id))["suggestion"] is not None
    await looks_right(page, "desk-stopped")
    await other.get_by_role("button", name="再開する…").click()
    await other.get_by_role("button", name="再開する", exact=True).click()
    assert (await shipped_policy(desk.shop))["kill_switch"]["on"] is True  # the browser itself asks for the reason
    await other.get_by_label("再開してよい理由").fill("直りました")
    await other.keyboard.press("Enter")
    await expect(other.locator(".stopped")).to_have_count(0)
    await expect(page.locator(".stopped")).to_have_count(0)
    switch = (await shipped_policy(desk.shop))["kill_switch"]
    assert (switch["on"], switch["reason"]) == (False, "直りました")


async def test_what_is_held_counts_down_and_is_cancelled_on_either_page(desk: Desk) -> None:
    await let(desk.shop, hold_seconds=600)
    first, second = await _held(desk), await _held(desk)
    page, pane = await desk.visit("/policy"), await desk.visit(f"/?c={second}")
    await expect(page.locator(".held-texts li")).to_have_count(2)
    await expect(page.locator(".goes").first).to_contain_text("あと 9:")
    before = await page.locator(".goes").first.text_content()
    await expect(page.locator(".goes").first).not_to_have_text(before or "")
    await looks_right(page, "policy-held")

    await (
        page.locator(".held-texts li", has=page.locator(f'a[href="/?c={first}"]')).get_by_role("button").press("Enter")
    )

    await expect(page.locator(".held-texts li")).to_have_count(1)
    await expect(page.locator("#held-told")).to_contain_text("取り消しました")
    await expect(pane.locator(".held-text")).to_contain_text("あと 9:")
    await looks_right(pane, "desk-held")
    await pane.get_by_role("button", name="取り消す").click()
    await expect(pane.locator("#words")).to_be_visible()
    await expect(pane.locator(".held")).to_contain_text("自動送信が取り消されました。")
    await expect(page.locator(".held-texts li")).to_have_count(0)
    states = await desk.shop.rows("SELECT state FROM outbox WHERE automatic ORDER BY created_at")
    assert [row.state for row in states] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(("role", "stops", "reads"), [(Role.PHARMACIST, True, True), (Role.ENGINEER, True, False)])
async def test_whoever_may_only_read_sees_no_button_that_does_nothing(
    desk: Desk, role: Role, stops: bool, reads: bool
) -> None:
    await let(desk.shop, hold_seconds=600)
    await _held(desk)
    page = await _as(desk, role)

    await expect(page.locator("main")).to_contain_text("閲覧のみ")
    await expect(page.locator("main form.policy, main select, main input")).to_have_count(0)
    await expect(page.get_by_role("button", name="自動送信を止める…")).to_have_count(int(stops))
    await expect(page.get_by_role("button", name="取り消す")).to_have_count(int(reads))
    await expect(page.locator("#held")).to_contain_text("あと" if reads else "自動返信 1件")
    await looks_right(page, f"policy-as-{role.value}")


async def test_what_cannot_be_is_said_by_its_name_and_the_rest_is_kept(desk: Desk) -> None:
    page = await desk.visit("/policy")
    await page.locator('[name="hold_seconds"]').fill("30")
    await page.locator('[name="limits.per_patient_hour"]').fill("3")
    await page.locator("form.policy").evaluate("form => { form.noValidate = true; }")
    await page.locator('[name="limits.per_patient_hour"]').fill("4")

    desk.watch.expect("422")
    await page.get_by_role("button", name="変更を確認する").click()

    await expect(page.locator("main > .notice")).to_contain_text("患者ごとの1時間の上限")
    await expect(page.locator('[name="hold_seconds"]')).to_have_value("30")
    assert (await shipped_policy(desk.shop))["version"] == 0


async def test_the_page_speaks_english_too(desk: Desk) -> None:
    await let(desk.shop, hold_seconds=600)
    await _held(desk)
    page = await desk.visit("/policy")
    await page.context.add_cookies([{"name": "kakari_language", "value": "en", "url": desk.shop.url}])

    await page.reload()

    await expect(page.get_by_role("heading", name="What becomes of a good draft")).to_be_visible()
    await expect(page.locator(".goes")).to_contain_text("in 9:")
    await expect(page.locator("main")).not_to_contain_text("送信を待って")
    await looks_right(page, "policy-english")


async def _held(desk: Desk) -> str:
    """Return a conversation with an automatic text that waits to go out."""
    conversation_id = await known(desk.shop)
    told: dict[str, Any] = await desk.shop.say(conversation_id, QUESTION)
    assert told["outcome"] == "auto_sent", told
    return conversation_id


async def _as(desk: Desk, role: Role, rights: tuple[Right, ...] = ()) -> Page:
    """Return the page as somebody of that role sees it."""
    pharmacy_id = desk.shop.program.settings.pharmacy_id
    who = await person(desk.shop, role, rights, pharmacy_id)
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, who.name, who.id), "password")
    page = await desk.visit(signed_in=False, path="/sign-in")
    await page.context.add_cookies([{"name": "kakari_session", "value": token, "url": desk.shop.url}])
    await page.goto("/policy")
    return page
