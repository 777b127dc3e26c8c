"""What must not happen on any page: errors, a broken content policy, a request to anywhere else."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

# The browser says most refusals of the policy on its console; this says every one, those of a worker or a style too.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`content policy: ${event.violatedDirective} refused ${event.blockedURI || "inline"}`);
}, true);
"""

FAILED_FETCH = "htmx:error: Failed to fetch"


class Watch:
    """Collects what went wrong in the browsers of one test."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._problems: list[str] = []
        self._expected: dict[str, bool] = {}
        self._cut_off: list[str] = []
        """What pages said of fetches that came to nothing; a page that is left cuts its own off."""

        self._aborted = 0

    def expect(self, pattern: str) -> None:
        """Let what `pattern` finds pass; the test fails if nothing like it happens.

        A browser says on its console that an answer was a 409: a test of a refused decision says so beforehand.
        """
        self._expected[pattern] = False

    def overlook(self, pattern: str) -> None:
        """Let what `pattern` finds pass, whether it happens or not."""
        self._expected[pattern] = True

    async def over(self, context: BrowserContext) -> None:
        """Watch every page of a browser."""
        await context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", self._broke)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)

    def found(self) -> list[str]:
        """Return what went wrong, and what was expected to and did not."""
        missing = [f"expected and never seen: {pattern}" for pattern, seen in self._expected.items() if not seen]
        return [*self._problems, *self._cut_off[self._aborted :], *missing]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _broke(self, error: WebError) -> None:
        self._note(f"page error: {error.error}")

    def _asked(self, request: Request) -> None:
        if not _is_within(request.url, (self._origin,)):
            self._note(f"request to elsewhere: {request.method} {request.url[:200]}")

    def _failed(self, request: Request) -> None:
        self._aborted += request.failure == "net::ERR_ABORTED"

    def _note(self, problem: str) -> None:
        for pattern in self._expected:
            if re.search(pattern, problem):
                self._expected[pattern] = True
                return
        (self._cut_off if FAILED_FETCH in problem else self._problems).append(problem)


def _is_within(url: str, origins: Iterable[str]) -> bool:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" in origins
