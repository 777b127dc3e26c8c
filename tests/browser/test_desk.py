"""A pharmacist's decisions at the desk, by mouse and by key, and what becomes of them."""

import hashlib
import re
from typing import Any

from playwright.async_api import Page, expect

from tests.api.answers import REDRAFT, by_words
from tests.browser.colleague import colleague
from tests.browser.desk import Desk, has_been_read, send_by_key
from tests.browser.looking import looks_right
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked

QUESTION = "葛根湯は食前と食後のどちらがいいですか"


async def test_what_waits_is_shown_with_why_and_how_it_came_about(desk: Desk) -> None:
    page = await _opened(desk, "c-seen", QUESTION)

    await expect(page.locator(".held")).to_contain_text("はじめての方への返信です。")
    await expect(page.locator(".draft > .marks")).to_contain_text("安全性")
    await page.locator(".trail > summary").click()
    await expect(page.locator(".trail tbody")).to_contain_text("classify")
    await expect(page.locator(".trail tbody")).to_contain_text("judge")
    await looks_right(page, "desk-draft")


async def test_the_judges_reason_is_reached_by_the_keyboard_and_by_the_mouse(desk: Desk) -> None:
    page = await _opened(desk, "c-reason", QUESTION)
    mark = page.locator(".draft > .marks .mark").first
    reason = (await mark.locator("p").text_content() or "").strip()
    await expect(page.locator(".rewritten")).to_have_text("書き直し 0/2回")
    await page.locator(".pane-head h2").focus()

    for _ in range(30):
        if await mark.locator("summary").evaluate("(element) => element === document.activeElement"):
            break
        await page.keyboard.press("Tab")

    assert reason
    await expect(mark.locator(".why")).to_be_visible()
    await expect(mark.locator(".why")).to_have_text(reason)
    await looks_right(page, "desk-reason")
    await page.keyboard.press("Escape")
    await expect(mark.locator(".why")).to_be_hidden()
    await mark.locator("summary").hover()
    await expect(mark.locator(".why")).to_be_visible()


async def test_a_draft_is_edited_and_sent_by_the_mouse(desk: Desk) -> None:
    page = await _opened(desk, "c-by-mouse", QUESTION)
    draft = await page.locator("#words").input_value()

    await page.locator('.draft [data-key="edit"]').click()
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.type("どうぞお大事に。")
    await page.get_by_role("button", name="直して送る").click()

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk, "c-by-mouse") == [(draft + "どうぞお大事に。", "edited")]


async def test_a_draft_is_refused_by_the_mouse_with_its_reason(desk: Desk) -> None:
    page = await _opened(desk, "c-mouse-refuses", QUESTION)

    await page.locator('.draft [data-key="refuse"]').click()
    await page.locator('#refuse [data-pick="2"]').click()

    await expect(page.locator("#notices")).to_contain_text("使わない")
    (found,) = await desk.shop.rows("SELECT state FROM suggestions WHERE conversation_id = 'c-mouse-refuses'")
    assert found.state == "rejected"


async def test_a_draft_is_written_again_by_the_mouse(desk: Desk) -> None:
    page = await _opened(desk, "c-mouse-again", QUESTION)

    await page.locator('.draft [data-key="instruct"]').click()
    await page.locator('#again [name="instruction"]').fill("もっと短く")
    await page.locator("#again button.main").click()

    await expect(page.locator(".draft #words")).to_have_value(REDRAFT, timeout=20_000)


async def test_a_draft_goes_out_as_it_is_by_the_mouse_and_the_next_one_opens(desk: Desk) -> None:
    await desk.shop.say("c-first", QUESTION)
    await desk.shop.say("c-second", "体調の相談です")
    page = await desk.visit("/?c=c-first")
    draft = await page.locator("#words").input_value()

    await page.get_by_role("button", name="このまま送る").click()

    await expect(page.locator('[data-conversation="c-second"]')).to_be_visible()
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert "c=c-second" in page.url
    assert await _sent(desk, "c-first") == [(draft, "approved")]


async def test_an_edited_draft_goes_out_by_the_key_with_both_texts_kept(desk: Desk) -> None:
    page = await _opened(desk, "c-edit", QUESTION)
    draft = await page.locator("#words").input_value()

    await page.keyboard.press("e")
    await page.keyboard.type("どうぞお大事に。")
    await expect(page.locator("#diff ins")).to_have_text("どうぞお大事に。")
    await expect(page.get_by_role("button", name="直して送る")).to_be_visible()
    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk, "c-edit") == [(draft + "どうぞお大事に。", "edited")]


async def test_a_draft_is_refused_by_two_keys_with_its_reason(desk: Desk) -> None:
    page = await _opened(desk, "c-refuse", QUESTION)

    await page.keyboard.press("x")
    await expect(page.locator("#refuse")).to_be_visible()
    await page.keyboard.press("1")

    await expect(page.locator("#notices")).to_contain_text("使わない")
    refused = page.locator(".refused-draft")
    await expect(refused.locator("summary")).to_contain_text("医学的に誤り · あなた")
    await refused.locator("summary").click()
    (draft,) = await desk.shop.rows("SELECT text FROM suggestions WHERE conversation_id = 'c-refuse'")
    await expect(refused.locator(".text")).to_have_text(draft.text)
    (found,) = await desk.shop.rows("SELECT state, decision FROM suggestions WHERE conversation_id = 'c-refuse'")
    assert (found.state, found.decision["code"]) == ("rejected", "medically_wrong")


async def test_a_draft_is_written_again_with_an_instruction(desk: Desk) -> None:
    page = await _opened(desk, "c-again", QUESTION)

    await page.keyboard.press("Shift+G")
    await page.keyboard.type("もっと短く")
    await page.keyboard.press("Enter")

    await expect(page.locator("#words")).to_have_value(REDRAFT, timeout=20_000)
    (asked,) = await desk.shop.rows("SELECT instruction FROM requests WHERE conversation_id = 'c-again'")
    assert asked.instruction == "もっと短く"


async def test_a_newer_message_keeps_the_reply_back_and_the_typed_words_stay(desk: Desk) -> None:
    page = await _opened(desk, "c-stale", QUESTION)
    await page.keyboard.press("e")
    await page.keyboard.type("追記です。")
    typed = await page.locator("#words").input_value()
    await desk.shop.say("c-stale", "やっぱり注文の配送についてです", wait=None)
    await expect(page.locator("#messages")).to_contain_text("やっぱり注文の配送についてです")
    await expect(page.locator("#words")).to_have_value(typed)

    desk.watch.expect("409")
    await send_by_key(page)

    await expect(page.locator(".newer")).to_contain_text("やっぱり注文の配送についてです")
    await expect(page.locator("#words")).to_have_value(typed)
    assert await _sent(desk, "c-stale") == []
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert [text for text, _ in await _sent(desk, "c-stale")] == [typed]


async def test_words_that_the_output_gate_holds_are_named_and_the_reason_is_asked_for(desk: Desk) -> None:
    page = await _opened(desk, "c-held-words", QUESTION)
    await page.locator("#words").fill("必ず治ります。副作用はありません。")

    desk.watch.expect("422")
    await page.get_by_role("button", name="直して送る").click()

    await expect(page.locator(".found")).to_contain_text("まだ送っていません")
    await expect(page.locator(".found li").first).to_contain_text("「必ず")
    await expect(page.locator("#decide")).not_to_contain_text("output gate")
    await expect(page.get_by_label("それでも送る理由")).to_be_focused()
    await looks_right(page, "desk-wording-held")
    await page.keyboard.type("引用です")
    await page.get_by_role("button", name="直して送る").click()
    await expect(page.locator("#notices")).to_contain_text("様に送りました。")


async def test_a_draft_that_the_output_gate_holds_by_now_asks_for_a_reason_and_goes_out_as_it_is(desk: Desk) -> None:
    page = await _opened(desk, "c-held-since", QUESTION)
    draft = await page.locator("#words").input_value()
    await desk.shop.say("c-since", QUESTION, patient={"id": "p-since", "name": "気になる点"})
    desk.watch.expect("422")

    await send_by_key(page)

    await expect(page.locator(".found li").first).to_contain_text("「気になる点」")
    await expect(page.get_by_label("それでも送る理由")).to_be_focused()
    await page.keyboard.type("名前ではありません")
    await page.get_by_role("button", name="このまま送る").click()
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert await _sent(desk, "c-held-since") == [(draft, "approved")]


async def test_an_address_of_a_conversation_that_is_not_here_says_so(desk: Desk) -> None:
    page = await desk.visit("/?c=c-nowhere")

    await expect(page.locator("#conversation .empty")).to_contain_text("見つからない")


async def test_two_people_at_one_draft_send_it_once(desk: Desk) -> None:
    one, other = await _opened(desk, "c-two", QUESTION), await desk.visit("/?c=c-two")
    await other.keyboard.press("e")
    await other.keyboard.type("追記です。")

    await one.get_by_role("button", name="このまま送る").click()
    await expect(one.locator("#notices")).to_contain_text("送りました")
    await expect(other.locator("#notices")).to_contain_text("状況が変わりました")
    desk.watch.expect("409")
    await other.get_by_role("button", name="直して送る").click()

    await expect(other.locator("#decide .notice")).to_contain_text("すでに送りました")
    await expect(other.locator("#words")).to_have_value(re.compile("追記です。$"))
    assert len(await _sent(desk, "c-two")) == 1


async def test_ten_live_updates_leave_what_is_typed_and_where_the_cursor_is(desk: Desk) -> None:
    page = await _opened(desk, "c-typing", QUESTION)
    await page.keyboard.press("e")
    typed = await page.locator("#words").input_value()

    for number in range(10):
        await desk.shop.say(f"c-other-{number}", "体調の相談です", wait=None)
        await page.keyboard.type(str(number))
        await expect(page.locator(f"#row-c-other-{number}")).to_be_visible()
    await page.keyboard.press("Home")

    await expect(page.locator("#words")).to_have_value(typed + "0123456789")
    await expect(page.locator("#words")).to_be_focused()


async def test_nothing_is_sent_while_a_conversion_is_open_and_the_same_key_sends_after_it(desk: Desk) -> None:
    page = await _opened(desk, "c-kana", QUESTION)
    await page.keyboard.press("e")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    await has_been_read(page)

    await devtools.send("Input.dispatchKeyEvent", _control_enter(229))
    await page.wait_for_timeout(500)

    assert await _sent(desk, "c-kana") == []
    await devtools.send("Input.insertText", {"text": "日本"})
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    assert (await _sent(desk, "c-kana"))[0][0].endswith("日本")


async def test_single_letters_can_be_switched_off(desk: Desk) -> None:
    page = await _opened(desk, "c-letters", QUESTION)
    await page.get_by_role("button", name="設定").click()
    await page.locator("#letters").uncheck()
    await page.keyboard.press("Escape")

    await page.locator("#main").focus()
    await page.keyboard.press("x")

    await expect(page.locator("#refuse")).to_be_hidden()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")


async def test_hostile_words_are_shown_and_do_nothing(desk: Desk) -> None:
    hostile = (
        '<img src=x onerror="document.title=1"><svg onload=alert(1)>[a](javascript:alert(1)) ![](http://evil.example/x)'
    )
    words = (
        f"{hostile} \u202e\u200b体調の相談です。"
        + "朝も起きられないことが多いのですが、どの漢方がよいか教えてください。" * 5
    )
    page = await _opened(desk, "c-hostile", words, patient={"id": "p-x", "name": "<b onclick=alert(1)>花子</b>"})

    await expect(page.locator("#messages")).to_contain_text("<img src=x")
    await expect(page.locator("#messages")).to_contain_text("[U+202E][U+200B]体調")
    await expect(page.locator(".pane-head h2")).to_have_text("<b onclick=alert(1)>花子</b>")
    assert await page.locator("#messages img, #messages svg, #messages a, h2 b").count() == 0


async def test_what_goes_out_is_byte_for_byte_what_was_shown(desk: Desk, provider: OpenAIFake) -> None:
    odd = "一行目です。\n\n  二行目　全角の空白、か\u3099と ㌔ ﾊﾝｶｸ 👨‍👩‍👧 \u00a0終わりです。"

    def written(asked: Asked) -> Any:
        return {"reply": odd, "missing_facts": []} if asked.schema_name == "WrittenReply" else by_words(asked)

    provider.script.rule = written
    page = await _opened(desk, "c-exact", QUESTION)
    shown = await page.locator("#words").input_value()

    await send_by_key(page)

    await expect(page.locator("#notices")).to_contain_text("送りました")
    (sent,) = await desk.shop.rows("SELECT text, text_hash FROM outbox WHERE conversation_id = 'c-exact'")
    digests = {hashlib.sha256(each.encode()).hexdigest() for each in (shown, sent.text)}
    assert digests == {sent.text_hash}
    assert "👨‍👩‍👧" in shown


async def test_a_patient_who_is_called_like_a_colleague_is_shown_as_the_patient(desk: Desk) -> None:
    other = await colleague(desk)
    await desk.shop.say("c-alike", QUESTION, patient={"id": "p-alike", "name": other.name})
    await other.page.goto("/?c=c-alike")
    first, last = other.page.locator("#messages li.message").first, other.page.locator("#messages li.message").last

    await expect(first).to_have_class(re.compile(r"\bpatient\b"))
    await expect(first.locator(".foot")).not_to_contain_text(other.name)
    await send_by_key(other.page)
    await expect(other.page.locator("#notices")).to_contain_text("送りました")
    await other.page.goto("/?c=c-alike")
    await expect(last).to_have_class(re.compile(r"\bpharmacist\b"))
    await expect(last.locator(".foot")).to_contain_text(other.name)


async def test_the_console_speaks_english_too(desk: Desk) -> None:
    page = await _opened(desk, "c-english", QUESTION)

    await page.get_by_role("button", name="設定").click()
    await page.get_by_role("button", name="English").click()

    await expect(page.get_by_role("button", name="Send as it is")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await looks_right(page, "desk-english")


async def test_a_case_is_taken_on_answered_and_closed(desk: Desk) -> None:
    await desk.shop.say("c-case", "緊急語", wait=None)
    page = await desk.visit("/?tab=person")
    await page.locator("#row-c-case").click()
    await expect(page.locator("#standing")).to_contain_text("緊急 1件")
    await looks_right(page, "desk-case")

    await page.locator("#words").fill("すぐに119番へお電話ください。")
    await page.get_by_role("button", name="この件を担当する").click()
    await expect(page.locator(".case")).to_contain_text("あなたがこの件を担当中")
    await expect(page.locator("#words")).to_have_value("すぐに119番へお電話ください。")
    await page.locator("#words").focus()
    await send_by_key(page)
    await expect(page.locator("#notices")).to_contain_text("送りました")
    await page.locator("#row-c-case").click()
    await page.get_by_role("button", name="対応済みにする").click()

    await expect(page.locator("#standing")).not_to_contain_text("緊急")
    assert [text for text, _ in await _sent(desk, "c-case")] == ["すぐに119番へお電話ください。"]


async def _opened(desk: Desk, conversation_id: str, words: str, **more: Any) -> Page:
    await desk.shop.say(conversation_id, words, **more)
    page = await desk.visit(f"/?c={conversation_id}")
    await expect(page.locator("#words")).not_to_have_value("")
    return page


async def _sent(desk: Desk, conversation_id: str) -> list[tuple[str, str | None]]:
    rows = await desk.shop.rows(
        "SELECT o.text, s.state FROM outbox o LEFT JOIN suggestions s ON s.id = o.suggestion_id "
        "WHERE o.conversation_id = :id AND o.kind = 'reply' ORDER BY o.created_at",
        id=conversation_id,
    )
    return [(row.text, row.state) for row in rows]


def _control_enter(code: int) -> dict[str, Any]:
    return {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "modifiers": 2, "windowsVirtualKeyCode": code}
