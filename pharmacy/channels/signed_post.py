"""Post a signed body once, within one deadline, and read no more of the answer than its head."""

import asyncio
import hashlib
import hmac
import math
from dataclasses import dataclass, replace

import httpx2

from pharmacy.tls import tls

TIMEOUT_SECONDS = 10.0
"""How long a whole call may take; a client's own timeouts start anew with every byte that drips in."""

ANSWER_BYTES = 64 * 1024
"""No more of an answer is read."""

LONGEST_WAIT_SECONDS = 3_600.0
"""No receiver makes us wait longer than this before the next attempt."""

TRY_AGAIN = (408, 425, 429)
"""What asks for patience; any other 4xx, and a redirect, will not change by itself."""

TOOK_NOTHING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
"""What is raised before a byte has left."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    """The answer's beginning, at most ANSWER_BYTES long."""

    wait_seconds: float | None
    """What its Retry-After asks for, 0 to LONGEST_WAIT_SECONDS; None when it names no number."""

    @property
    def taken(self) -> bool:
        """Return whether the receiver has it: a 409 says that it had taken it before, under the same key."""
        return 200 <= self.status < 300 or self.status == 409

    @property
    def may_change(self) -> bool:
        """Return whether another attempt may end otherwise."""
        return self.status >= 500 or self.status in TRY_AGAIN


class Poster:
    """One client whose every call has a deadline as a whole."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        # Unpacked, a short answer may be a long one: none is asked for packed.
        plain = {"Accept-Encoding": "identity"}
        self._client = httpx2.AsyncClient(verify=tls(), timeout=timeout_seconds, follow_redirects=False, headers=plain)

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], connect_seconds: float | None = None
    ) -> Answer:
        """Post once.

        Args:
            connect_seconds: how long each step to a connection may take; as long as the whole call when left out.

        Raises:
            httpx2.HTTPError: no answer; one of TOOK_NOTHING where nothing was sent.
            TimeoutError: no whole head of an answer within the deadline; it may have arrived.
        """
        answer = None
        connect = self._timeout_seconds if connect_seconds is None else min(connect_seconds, self._timeout_seconds)
        limits = httpx2.Timeout(self._timeout_seconds, connect=connect, pool=connect)
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.stream("POST", url, content=body, headers=headers, timeout=limits) as response,
            ):
                wait = seconds_of(response.headers.get("retry-after", ""))
                answer = Answer(response.status_code, b"", wait)
                return replace(answer, head=await _head(response))
        except (httpx2.HTTPError, TimeoutError):
            if answer is None:
                raise
            return answer  # its status is known, and nothing that follows takes it back

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


def signed(secret: bytes, body: bytes, retry_key: str) -> dict[str, str]:
    """Return the headers of a signed body.

    `X-Kakari-Retry-Key`, and `X-Kakari-Signature: sha256=<hex HMAC-SHA256 of the raw body>`.
    """
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Kakari-Retry-Key": retry_key,
            "X-Kakari-Signature": f"sha256={signature}"}  # fmt: skip


def seconds_of(retry_after: str) -> float | None:
    """Return the wait that a Retry-After names, or None for a date or nothing: our own wait is then as good."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else None


async def _head(response: httpx2.Response) -> bytes:
    head = b""
    async for chunk in response.aiter_raw():
        head += chunk
        if len(head) >= ANSWER_BYTES:
            break
    return head[:ANSWER_BYTES]
