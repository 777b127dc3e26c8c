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
    """What is being read just now. Nobody has said yet who they are, so no more than this is spent on them.

    Whoever comes when all places are taken is let in, and the body that has been coming for the longest is given up: a
    real one comes in one piece, so that those that drip can keep only each other out.
    """

    def __init__(self) -> None:
        self._coming: dict[asyncio.Timeout, bytearray] = {}
        """The bodies that are being read, the oldest first."""

        self._held_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the whole body.

        Raises:
            HTTPException: 413 for a body that is too large, 408 for one that does not come (or whose sender has hung
                up, or that was given up for others).
        """
        if (announced := request.headers.get("content-length", "")).isdecimal() and int(announced) > LARGEST_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(LONGEST_SECONDS) as limit, self._place(limit) as taken:
                return await self._whole(request.stream(), limit, taken)
        except (TimeoutError, ClientDisconnect):
            raise HTTPException(408, f"body: expected it within {LONGEST_SECONDS:g} seconds") from None

    @asynccontextmanager
    async def _place(self, limit: asyncio.Timeout) -> AsyncIterator[bytearray]:
        while len(self._coming) >= MOST_AT_ONCE:
            self._give_up_oldest()
        self._coming[limit] = taken = bytearray()
        try:
            yield taken
        finally:
            self._left(limit)

    async def _whole(self, pieces: AsyncIterator[bytes], limit: asyncio.Timeout, taken: bytearray) -> bytes:
        async for piece in pieces:
            if len(taken) + len(piece) > LARGEST_BODY:
                raise _too_large()
            while self._held_bytes + len(piece) > MOST_HELD_BYTES and limit in self._coming:
                self._give_up_oldest()
            if limit not in self._coming:
                raise TimeoutError
            taken += piece
            self._held_bytes += len(piece)
        return bytes(taken)

    def _give_up_oldest(self) -> None:
        oldest = next(iter(self._coming))
        oldest.reschedule(asyncio.get_running_loop().time())
        self._left(oldest)

    def _left(self, limit: asyncio.Timeout) -> None:
        self._held_bytes -= len(self._coming.pop(limit, b""))


def _too_large() -> HTTPException:
    return HTTPException(413, f"body: expected at most {LARGEST_BODY:,} bytes")
