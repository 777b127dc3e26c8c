"""How a page looks and reads: axe in both themes at desk and phone width, and a picture of each."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.stale import PICTURES

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS = {1280: 800, 390: 844}
"""A desk's and a phone's width in pixels, each with its height."""

TALL = 3_000

WITHIN: tuple[tuple[Theme, int], ...] = (("light", 1280), ("dark", 390))

# Without names axe leaves out what is newest in WCAG 2.2, such as the size of targets.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


async def looks_right(page: Page, name: str, *, whole: bool = False) -> None:
    """Take pictures of the page, and see that axe finds nothing: both themes, both widths.

    The page is left as it was found.

    Args:
        whole: True for a page as one comes to it: each theme at each width. What opens within a page is looked at in
            light at a desk's width and in dark at a phone's.
    """
    before, found = page.viewport_size, []
    for theme, width in _every_look() if whole else WITHIN:
        await page.emulate_media(color_scheme=theme)
        await page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        await picture(page, f"{name}-{theme}-{width}")
        # On a screen so tall that nothing sticks over anything: what lies half under a bar can be scrolled out of it.
        await page.set_viewport_size({"width": width, "height": TALL})
        found += [f"{theme} {width}: {violation}" for violation in await violations(page)]
    await page.emulate_media(color_scheme=None)
    if before is not None:
        await page.set_viewport_size(before)
    assert found == [], "\n".join(found)


async def violations(page: Page) -> list[str]:
    """Return what axe finds in the page as it stands: rule, how bad it is, and where."""
    found = (await Axe().run(page, options=RULES)).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {' | '.join(str(node['target']) for node in each['nodes'])}"
        for each in found
    ]


async def picture(page: Page, name: str) -> Path:
    """Keep a picture of the whole page as `build/screenshots/NAME.png`; return where."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f"picture: name {name!r}, expected small letters, digits and hyphens")
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    await page.screenshot(path=path, full_page=True, animations="disabled", caret="initial")
    return path


def _every_look() -> Iterator[tuple[Theme, int]]:
    return ((theme, width) for width in WIDTHS for theme in THEMES)
