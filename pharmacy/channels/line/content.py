"""Fetch the file of a patient's message from LINE, by its id and from nowhere else, capped in size and kind."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2

from pharmacy.tls import tls

DATA_API = "https://api-data.line.me"
LARGEST_FILE = 10_000_000
"""Bytes."""

TOTAL_SECONDS = 60.0
_TRANSCODED = frozenset({"video", "audio"})
_PLAIN = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""What LINE calls a file whose kind it does not know; then the file's own first bytes decide."""

_KINDS = {
    "image/jpeg": ("image/jpeg", "image/jpg"),
    "image/png": ("image/png",),
    "image/gif": ("image/gif",),
    "application/pdf": ("application/pdf",),
    "video/mp4": ("video/mp4",),
    "audio/mp4": ("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/aac", "video/mp4"),
}
"""The kinds that are kept, each with the names it may come under."""


@dataclass(frozen=True)
class Fetched:
    """A file, checked."""

    content_type: str
    content: bytes


@dataclass(frozen=True)
class NotFetched:
    """Why there is no file."""

    said: str
    again: bool
    """True when a later attempt may succeed."""


class LineContent:
    """LINE's address for files."""

    def __init__(self, base: str | None = None, timeout_seconds: float = 10.0) -> None:
        self._base = base or DATA_API
        # No redirect is followed: a file lies at LINE or nowhere.
        self._client = httpx2.AsyncClient(verify=tls(), timeout=timeout_seconds, follow_redirects=False)

    async def fetch(self, access_token: str, message_id: str, kind: str) -> Fetched | NotFetched:
        """Return the file of LINE's message `message_id`.

        Args:
            kind: `image`, `video`, `audio` or `file`; LINE prepares the second and third before they can be fetched.

        Source: https://developers.line.biz/en/reference/messaging-api/#get-content
        """
        # Accept-Encoding: what comes must not be able to unpack itself to more than it weighs.
        headers = {"Authorization": f"Bearer {access_token}", "Accept-Encoding": "identity"}
        place = f"{self._base}/v2/bot/message/{message_id}/content"
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                if kind in _TRANSCODED and (waiting := await self._prepared(f"{place}/transcoding", headers)):
                    return waiting
                async with self._client.stream("GET", place, headers=headers) as response:
                    return await _read(response)
        except (httpx2.HTTPError, TimeoutError) as error:
            return NotFetched(f"{type(error).__name__} at LINE", again=True)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _prepared(self, place: str, headers: dict[str, str]) -> NotFetched | None:
        response = await self._client.get(place, headers=headers)
        if refused := _refusal(response):
            return refused
        try:
            body: Any = response.json()
        except (ValueError, RecursionError):
            body = None
        match body.get("status") if isinstance(body, dict) else None:
            case "succeeded":
                return None
            case "processing":
                return NotFetched("LINE is still preparing the file", again=True)
        return NotFetched("LINE could not prepare the file", again=False)


async def _read(response: httpx2.Response) -> Fetched | NotFetched:
    if refused := _refusal(response):
        return refused
    if response.headers.get("content-encoding", "identity") != "identity":
        return NotFetched("the file comes packed, expected it as it is", again=False)
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > LARGEST_FILE:
            return NotFetched(f"the file is larger than {LARGEST_FILE:,} bytes", again=False)
    return _checked(bytes(content), response.headers.get("content-type", ""))


def _refusal(response: httpx2.Response) -> NotFetched | None:
    status = response.status_code
    if status == 200:
        return None
    again = status == 202 or status >= 500 or status in (408, 425, 429)
    return NotFetched(f"LINE answered {status}", again=again)


def _checked(content: bytes, told: str) -> Fetched | NotFetched:
    named = told.partition(";")[0].strip().lower()
    found = _kind_of(content, named)
    if found is None:
        return NotFetched("the file is none of JPEG, PNG, GIF, PDF, MP4, M4A", again=False)
    if named not in _PLAIN and named not in _KINDS[found]:
        return NotFetched(f"the file is {found} and comes under another name", again=False)
    return Fetched(found, content)


def _kind_of(content: bytes, named: str) -> str | None:
    """Return what the file's first bytes say it is; what comes under a name is believed in no other way."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content[4:8] == b"ftyp":
        return "audio/mp4" if content[8:12] == b"M4A " or named.startswith("audio/") else "video/mp4"
    return None
