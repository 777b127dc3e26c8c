"""Read a webhook's body under three caps, before anything else: its size, its time, how many at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

LARGEST_BODY = 1_000_000
"""Bytes; a larger body is answered 413 before it is hashed."""

LONGEST_SECONDS = 2.0
"""LINE itself does not wait longer for the answer."""

MOST_AT_ONCE = 512
MOST_HELD_BYTES = 64_000_000
"""Of all bodies that are being read, together."""


class BodyGate:
    """What is being read just now. Nobody has said yet who they are, so no more than this is spent on them."""

    def __init__(self) -> None:
        self._readers = 0
        self._held_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the whole body.

        Raises:
            HTTPException: 413 for a body that is too large, 408 for one that does not come (or whose sender has hung
                up), 503 when too many come.
        """
        if (announced := request.headers.get("content-length", "")).isdecimal() and int(announced) > LARGEST_BODY:
            raise _too_large()
        async with self._place() as taken:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    return await self._whole(request.stream(), taken)
            except (TimeoutError, ClientDisconnect):
                raise HTTPException(408, f"body: expected it within {LONGEST_SECONDS:g} seconds") from None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[bytearray]:
        if self._readers >= MOST_AT_ONCE:
            raise _too_many()
        self._readers += 1
        taken = bytearray()
        try:
            yield taken
        finally:
            self._readers -= 1
            self._held_bytes -= len(taken)

    async def _whole(self, pieces: AsyncIterator[bytes], taken: bytearray) -> bytes:
        async for piece in pieces:
            if len(taken) + len(piece) > LARGEST_BODY:
                raise _too_large()
            if self._held_bytes + len(piece) > MOST_HELD_BYTES:
                raise _too_many()
            taken += piece
            self._held_bytes += len(piece)
        return bytes(taken)


def _too_large() -> HTTPException:
    return HTTPException(413, f"body: expected at most {LARGEST_BODY:,} bytes")


def _too_many() -> HTTPException:
    return HTTPException(503, "too many bodies at once; ask again", {"Retry-After": "1"})
