"""What a first view costs: every byte that comes over the wire until the page stands."""

from typing import Any

from playwright.async_api import expect

from tests.browser.desk import Desk

MOST = 100_000
"""Bytes of the first view, files of the page included."""

CONVERSATIONS = 60
WORDS = "朝の服用を忘れがちで、食後に飲んでもよいか教えてください。体がだるい日が続いています。"


async def test_the_first_view_of_the_desk_with_a_conversation_open_is_light(desk: Desk) -> None:
    await desk.shop.say("c-open", WORDS)
    for number in range(CONVERSATIONS):
        await desk.shop.say(f"c-{number}", f"{number}番です。体調の相談です。{WORDS[number % 20 :]}", wait=None)
    page = await desk.visit("/sign-in", signed_in=False)
    await page.context.add_cookies(await _session(desk))
    devtools = await page.context.new_cdp_session(page)
    weights: dict[str, float] = {}
    addresses: dict[str, str] = {}
    devtools.on("Network.responseReceived", lambda told: addresses.update({told["requestId"]: told["response"]["url"]}))
    devtools.on("Network.loadingFinished",
                lambda told: weights.update({told["requestId"]: told["encodedDataLength"]}))  # fmt: skip
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})

    await page.goto("/?c=c-open")
    await expect(page.locator("#words")).to_be_visible()
    await expect(page.locator("[data-row]")).to_have_count(50)
    await page.wait_for_timeout(1_500)

    each = {addresses[which].removeprefix(desk.shop.url): int(weight) for which, weight in weights.items()}
    told = "\n".join(f"{weight:7} {address}" for address, weight in sorted(each.items(), key=lambda one: -one[1]))
    print(f"first view: {sum(each.values())} bytes in {len(each)} answers\n{told}")
    assert sum(each.values()) <= MOST, told
    assert any("htmx.min.js" in address for address in each)


async def _session(desk: Desk) -> Any:
    helper = await desk.visit("/")
    cookies = await helper.context.cookies()
    await helper.close()
    return cookies
