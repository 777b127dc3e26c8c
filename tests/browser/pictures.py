"""The README's two pictures of the desk, taken of the demo pharmacy: `python -m tests.browser.pictures`."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser.chromium import found_or_installed
from tests.browser.looking import THEMES

HERE = Path(__file__).parents[2]
PICTURES = HERE / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1440, "height": 900}
OPEN = "sato-chat"
LONGEST_WAIT_MILLISECONDS = 60_000
ROWS = 5
"""So many wait before the picture is taken."""


async def main() -> None:
    """Take both pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kakari-pictures-") as home, _demo(Path(home)) as link:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found_or_installed(), args=["--disable-gpu"])
            page = await _living(browser, link)
            for theme in THEMES:
                await page.emulate_media(color_scheme=theme)
                path = PICTURES / f"desk-{theme}.png"
                await page.screenshot(path=path, animations="disabled")
                print(f"{path.relative_to(HERE)}: {path.stat().st_size:,} bytes")
            await browser.close()


@contextmanager
def _demo(home: Path) -> Iterator[str]:
    """Serve the demo pharmacy as `make serve` does, in a home of its own; yield the link to sign in with."""
    own = {"KAKARI_HOME": str(home), "PORT": "0", "LOG_JSON": "true", "KAKARI_MODELS": "local"}
    left_out = ("DATABASE_URL", "OPENAI_API_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | own
    command = [sys.executable, "-c", "from cli.main import main; main()", "serve", "--demo"]
    with subprocess.Popen(
        command, cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as serving:
        try:
            assert serving.stdout is not None
            yield next(json.loads(line)["sign_in"] for line in serving.stdout if '"sign_in"' in line)
        finally:
            serving.send_signal(signal.SIGTERM)


async def _living(browser: Browser, link: str) -> Page:
    """Return the desk as soon as it is full of life, with a draft open."""
    context = await browser.new_context(viewport=SIZE, locale="ja-JP", timezone_id="Asia/Tokyo")
    context.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
    expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
    page = await context.new_page()
    await page.goto(link)
    await expect(page.locator("[data-row]").nth(ROWS - 1)).to_be_visible()
    await expect(page.locator(".tabs a", has_text="人が対応").locator(".count")).not_to_have_text(re.compile("^0$"))
    await page.locator(f"#row-{OPEN}").click()
    await expect(page.locator(".draft > .marks")).to_be_visible()
    await expect(page.locator("#messages .note")).to_be_visible()
    await page.locator("#main").focus()
    await page.wait_for_timeout(1_500)
    return page


if __name__ == "__main__":
    asyncio.run(main())
