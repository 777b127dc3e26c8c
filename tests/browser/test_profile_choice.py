"""How early replies come and at what price: read by whoever reads models, chosen by whoever may decide who serves."""

from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.looking import looks_right


async def test_a_profile_is_chosen_beside_its_price_and_is_on_record_with_who_and_why(desk: Desk) -> None:
    page = await desk.visit("/nodes")
    section = page.locator("section", has=page.locator("#profiles"))
    await expect(section).to_contain_text("プログラムの設定どおりです")
    await expect(section.locator("tbody tr").nth(2)).to_contain_text("47%増")

    await section.get_by_label("速さの設定").select_option("quickest")
    await section.get_by_label("理由（任意）").fill("催事のため")
    await section.get_by_role("button", name="この速さに設定").click()

    await expect(page.locator(".done")).to_contain_text("次のメッセージから有効です")
    await expect(section).to_contain_text("催事のため")
    await expect(section.get_by_label("速さの設定", exact=True)).to_have_value("quickest")
    told = (await desk.shop.http.get("/v1/profile")).json()
    assert (told["profile"], told["chosen"], told["reason"]) == ("quickest", True, "催事のため")
    (audited,) = await desk.shop.rows("SELECT actor, body FROM audit WHERE action = 'profile_set'")
    assert (audited.actor, audited.body["profile"]) == (told["set_by"], "quickest")
    await looks_right(page, "profile", whole=True)
