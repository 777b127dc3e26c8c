"""Where the tests' Chromium is, and how one is had where there is none: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
SYSTEM_PACKAGES = ("chromium", "fonts-noto-cjk")
LONGEST_SECONDS = 600

NONE = (
    "no Chromium for the tests in tests/browser: expected KAKARI_CHROMIUM to name one, or "
    f"{', '.join(NAMES)} on PATH, or Playwright's own (`.venv/bin/playwright install --with-deps chromium`)"
)


class NoChromium(Exception):
    """There is no browser to test with; says what was looked for."""


def found() -> str:
    """Return the path of the Chromium to test with: KAKARI_CHROMIUM, one on PATH, or Playwright's own.

    Raises:
        NoChromium: there is none, or KAKARI_CHROMIUM names no program.
    """
    if given := os.environ.get("KAKARI_CHROMIUM"):
        if not os.access(given, os.X_OK) or Path(given).is_dir():
            raise NoChromium(f"KAKARI_CHROMIUM={given!r}: expected the path of a program")
        return given
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = _playwrights_own()
    if not Path(own).exists():
        raise NoChromium(NONE)
    return own


def found_or_installed() -> str:
    """Return the path of the Chromium to test with; where there is none, Playwright's or the system's is installed.

    Raises:
        NoChromium: none could be had.
    """
    try:
        return found()
    except NoChromium:
        if os.environ.get("KAKARI_CHROMIUM"):
            raise
    _run(sys.executable, "-m", "playwright", "install", "chromium")
    if not Path(_playwrights_own()).exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "--quiet")
        _run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *SYSTEM_PACKAGES)
    return found()


def _playwrights_own() -> str:
    # In a process of its own: Playwright's other interface refuses to work where a loop runs, as in a test.
    asked = "from playwright.sync_api import sync_playwright\n"
    asked += "with sync_playwright() as p: print(p.chromium.executable_path)"
    return subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.strip()


def _run(*command: str) -> None:
    print("no Chromium yet:", *command, file=sys.stderr, flush=True)
    try:
        subprocess.run(command, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{command[0]}: no end within {LONGEST_SECONDS} s", file=sys.stderr)


if __name__ == "__main__":
    try:
        print(found_or_installed())
    except NoChromium as error:
        sys.exit(str(error))
