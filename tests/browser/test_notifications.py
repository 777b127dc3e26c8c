"""What calls for a pharmacist: in the title of every tab, and once by sound and by the system, hidden or not."""

import re

from playwright.async_api import BrowserContext, Page, expect

from tests.browser.desk import Desk

WORDS = "体調の相談です。山田花子と申します"

# Counts what really sounds and what is really shown, and lets it.
_COUNTS = """
window.sounds = 0; window.notices = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { window.sounds += 1; return start.apply(this, at); };
const Shown = window.Notification;
window.Notification = class extends Shown {
  constructor(title, more) { super(title, more); window.notices.push(`${title} ${more.body}`); }
};
"""
# Playwright's pages are all seen, as far as they can tell.
_HIDE = """() => {
  for (const [name, value] of [["hidden", true], ["visibilityState", "hidden"]])
    Object.defineProperty(document, name, { get: () => value, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
_LEADS_ALONE = """async () => {
  const { held, pending } = await navigator.locks.query();
  return held.length === 1 && pending.length === 0;
}"""


async def test_every_tab_shows_the_number_and_one_of_them_speaks_once(desk: Desk) -> None:
    first, second = await _two_tabs(desk)
    await desk.shop.say("c-first", WORDS)

    for page in (first, second):
        await expect(page).to_have_title(re.compile(r"^\(1\) "))
    await expect_spoken(first, second, sounds=2, notices=["Kakari 新しい件が待っています。"])


async def test_tabs_that_nobody_sees_show_it_too_and_one_of_them_speaks(desk: Desk) -> None:
    first, second = await _two_tabs(desk)
    for page in (first, second):
        await page.evaluate(_HIDE)
    await first.wait_for_timeout(1_500)

    await desk.shop.say("c-urgent", "緊急語です", wait=None)

    for page in (first, second):
        await expect(page).to_have_title(re.compile("^⚠ "))
    await expect_spoken(first, second, sounds=4, notices=["Kakari 緊急の対応が必要です。"])


async def test_when_the_tab_that_speaks_is_closed_the_other_goes_on(desk: Desk) -> None:
    first, second = await _two_tabs(desk)
    await second.keyboard.press("Shift")  # surely after its scripts have come: a page that nobody touched is silent
    async with second.expect_response("**/v1/desk/attention"):  # it looks as soon as it leads
        await first.close()
        await second.wait_for_function(_LEADS_ALONE)

    await desk.shop.say("c-next", WORDS)

    await expect(second).to_have_title(re.compile(r"^\(1\) "))
    await second.wait_for_function("() => window.sounds === 2")


async def test_what_is_switched_off_stays_away(desk: Desk) -> None:
    first, second = await _two_tabs(desk)
    await first.get_by_role("button", name="設定").click()
    for label in ("タブの見出しに件数を出す", "音で知らせる", "デスクトップ通知を出す"):
        await first.get_by_label(label).uncheck()

    await desk.shop.say("c-quiet", WORDS)
    await expect(second.locator("#row-c-quiet")).to_be_visible()
    await second.wait_for_timeout(1_500)

    assert [await page.title() for page in (first, second)] == ["一覧 · Kakari"] * 2
    await expect_spoken(first, second, sounds=0, notices=[])
    await first.get_by_label("タブの見出しに件数を出す").check()
    for page in (first, second):
        await expect(page).to_have_title("(1) 一覧 · Kakari")


async def expect_spoken(*pages: Page, sounds: int, notices: list[str]) -> None:
    """See that all pages together have made so many tones and shown just these notices."""
    await pages[0].wait_for_timeout(1_000)
    assert sum([await page.evaluate("() => window.sounds") for page in pages]) == sounds
    assert [each for page in pages for each in await page.evaluate("() => window.notices")] == notices


async def _two_tabs(desk: Desk) -> tuple[Page, Page]:
    """Return two tabs of one browser that somebody has touched, with notices of the system switched on."""
    first = await desk.visit("/")
    context: BrowserContext = first.context
    await context.grant_permissions(["notifications"])
    await context.add_init_script(_COUNTS)
    await first.reload()
    await first.get_by_role("button", name="設定").click()
    await first.get_by_label("デスクトップ通知を出す").check()
    await first.keyboard.press("Escape")
    second = await context.new_page()
    await second.goto("/")
    await second.locator("#standing").click()
    await second.wait_for_timeout(500)
    return first, second
