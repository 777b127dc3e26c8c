"""Answers go out compressed, except where another site could have chosen a part of them."""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST = 1000
"""Bytes: below, compressing gains less than one packet."""

LEVEL = 6
OWN = frozenset({"same-origin", "none"})
"""What a browser says of a request that our own page made, or that a person typed or kept as a bookmark."""

LONGEST_PADDING = 100
"""Characters. So much do the lengths of two equal answers differ at random."""

# Patients' files are compressed already or belong to nobody here; an event stream must not wait for a full block.
_AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "image/*", "application/octet-stream", "application/pdf")


class Compressed:
    """The application, its answers compressed for those to whom that says nothing; see decision 17."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, SMALLEST, LEVEL, exclude_content_types=_AS_THEY_ARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        # Our own files are compressed once, where they are read.
        is_file = scope["type"] == "http" and scope["path"].startswith("/static/")
        if scope["type"] != "http" or is_file or not _is_own(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return

        async def padded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                if "content-encoding" in headers:
                    headers["X-Padding"] = "x" * secrets.randbelow(LONGEST_PADDING)
            await send(message)

        await self._compressing(scope, receive, padded)


def _is_own(headers: Headers) -> bool:
    # Another site can have a browser ask with its cookie for words of that site's choice, as in a search. Whoever
    # brings none is a program with a key, or sees nothing of any patient.
    site = headers.get("sec-fetch-site")
    return site in OWN if site is not None else "cookie" not in headers
