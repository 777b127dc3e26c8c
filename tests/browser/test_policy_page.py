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
