"""The watch itself: what a page gets wrong is found, else every other browser test would pass for no reason."""

from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from playwright.async_api import Browser

from server.headers import PAGE_POLICY
from tests.browser.chromium import NoChromium, found
from tests.browser.looking import violations
from tests.browser.watching import FAILED_FETCH, Watch

Open = Callable[..., Awaitable[tuple[list[str], list[str]]]]
GOOD = '<!doctype html><html lang="ja"><head><title>t</title><link rel="icon" href="/i"></head><body><main><h1>h</h1>'


@pytest.fixture
async def opened(chromium: Browser) -> Open:
    """Return what opens a page of the given words and says what the watch and axe find in it."""

    async def open_page(words: str, *expected: str, policy: str = PAGE_POLICY) -> tuple[list[str], list[str]]:
        with ThreadingHTTPServer(("127.0.0.1", 0), _answering(words, policy)) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            origin = f"http://127.0.0.1:{server.server_port}"
            watch = Watch(origin)
            for pattern in expected:
                watch.expect(pattern)
            context = await chromium.new_context()
            await watch.over(context)
            page = await context.new_page()
            await page.goto(f"{origin}/", wait_until="networkidle")
            result = watch.found(), await violations(page)
            await context.close()
            server.shutdown()
        return result

    return open_page


async def test_nothing_is_found_in_a_page_that_is_right(opened: Open) -> None:
    assert await opened(GOOD) == ([], [])


@pytest.mark.parametrize(
    ("words", "policy", "told"),
    [
        pytest.param("<script>1</script>", PAGE_POLICY, "content policy: script-src-elem", id="inline-script"),
        pytest.param('<p style="color: red">p</p>', PAGE_POLICY, "content policy: style-src-attr", id="inline-style"),
        pytest.param(
            '<img alt="" src="http://127.0.0.1:9/p.png">', PAGE_POLICY, "content policy: img-src", id="refused"
        ),
        pytest.param("<script>throw new Error('oh')</script>", "", "page error: oh", id="page-error"),
        pytest.param("<script>console.error('oh')</script>", "", "console error: oh", id="console"),
        pytest.param('<img alt="" src="http://127.0.0.1:9/p.png">', "", "request to elsewhere: GET", id="elsewhere"),
        pytest.param('<img alt="" src="http://leak.example/p">', "", "leak.example", id="elsewhere-by-name"),
        pytest.param('<script src="/gone"></script>', "", "status of 404", id="missing-file"),
    ],
)
async def test_what_a_page_gets_wrong_is_found(opened: Open, words: str, policy: str, told: str) -> None:
    problems, _ = await opened(GOOD + words, policy=policy)

    assert [problem for problem in problems if told in problem], problems


async def test_what_is_expected_passes_and_must_happen(opened: Open) -> None:
    seen, _ = await opened(GOOD + '<script src="/gone"></script>', "status of 404", policy="")
    unseen, _ = await opened(GOOD, "status of 409")

    assert (seen, unseen) == ([], ["expected and never seen: status of 409"])


CUT_OFF = (
    """<script>const told = (why) => console.error(`htmx:error: ${why.message}`); fetch("%s").catch(told)</script>"""
)


async def test_a_fetch_that_leaving_the_page_cut_off_is_nobodys_fault(chromium: Browser) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _answering(GOOD + CUT_OFF % "/slow", "")) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        watch = Watch(f"http://127.0.0.1:{server.server_port}")
        context = await chromium.new_context()
        await watch.over(context)
        page = await context.new_page()

        async with page.expect_request("**/slow"):
            await page.goto(f"http://127.0.0.1:{server.server_port}/")
        async with page.expect_event("console", lambda said: FAILED_FETCH in said.text):
            await page.evaluate("stop()")

        await context.close()
        server.shutdown()
    assert watch.found() == []


async def test_a_fetch_that_nobody_answers_is_found(opened: Open) -> None:
    problems, _ = await opened(GOOD + CUT_OFF % "/cut", policy="")

    assert [problem for problem in problems if FAILED_FETCH in problem], problems


async def test_axe_finds_what_cannot_be_read(opened: Open) -> None:
    _, found_by_axe = await opened(GOOD + '<img src="/i"><button></button>')

    assert {each.split(" ")[0] for each in found_by_axe} == {"image-alt", "button-name"}


def test_a_named_chromium_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAKARI_CHROMIUM", str(tmp_path / "none"))

    with pytest.raises(NoChromium, match="expected the path of a program"):
        found()


def test_a_machine_without_any_chromium_is_told_how_to_have_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KAKARI_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))

    with pytest.raises(NoChromium, match="playwright install --with-deps chromium"):
        found()


def _answering(words: str, policy: str) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in ("/cut", "/slow"):  # neither is ever answered
                sleep(2 if self.path == "/slow" else 0)
                return
            body = words.encode() if self.path == "/" else b""
            self.send_response(404 if self.path == "/gone" else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's)
            """Say nothing."""

    return Page
