"""The HTTP client of an endpoint: bodies bounded in memory, and kept for whoever reads the call."""

import functools
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from pharmacy.models.base_url import is_loopback

CONNECT_SECONDS = 3.0
MOST_CONTAINERS = 5_000
"""Brackets in a body; a completion has some dozens, and a few bytes each can cost the client half a kilobyte."""

MAX_CONNECTIONS = 4000
MAX_IDLE_CONNECTIONS = 200

_ZLIB_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


@dataclass
class Exchange:
    """What came back over the wire in one call."""

    most_bytes: int
    """How long the body may be, unpacked."""

    on_sent: Callable[[], None]
    """Called once the request is out."""

    status: int | None = None
    """None while no answer has begun."""

    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    refused: str = ""
    """Why the body was not read to its end; empty when it was not refused."""


exchange: ContextVar[Exchange] = ContextVar("exchange")
"""The call in work; set it before the call, read it after."""


class BodyRefused(httpx2.DecodingError):
    """The body, unpacked, is no sensible answer: too long, built of brackets, or packed as we did not ask."""


def http_client(base_url: str) -> httpx2.AsyncClient:
    """Return a client for one endpoint: no redirects, a short connect time-out, the rest timed by the caller."""
    # Redirects stay off: a patient's words go to the address in the file and nowhere else. A proxy from the
    # environment has no business between two programs on this machine.
    return httpx2.AsyncClient(
        verify=tls(),
        timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_IDLE_CONNECTIONS),
        headers={"accept-encoding": "identity"},
        trust_env=not is_loopback(urlsplit(base_url).hostname),
        follow_redirects=False,
        event_hooks={"request": [_tell_when_sent], "response": [_bound]},
    )


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the process's one TLS set-up; reading the certificates takes longer than all else that a client needs."""
    return httpx2.create_ssl_context()


async def _tell_when_sent(request: httpx2.Request) -> None:
    kept = exchange.get()

    async def trace(event: str, _: object) -> None:
        if event.endswith("send_request_body.complete"):
            kept.on_sent()

    request.extensions["trace"] = trace


async def _bound(response: httpx2.Response) -> None:
    """Put the bound between the wire and the client; unpacks here, so that the client cannot unpack without end."""
    kept = exchange.get()
    kept.status = response.status_code
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _BoundedBody(response.stream, packed, kept)


class _BoundedBody(httpx2.AsyncByteStream):
    def __init__(self, wire: httpx2.AsyncByteStream, packed: str, kept: Exchange) -> None:
        self._wire = wire
        self._kept = kept
        self._unpack = zlib.decompressobj(_ZLIB_WINDOWS[packed]) if packed in _ZLIB_WINDOWS else None
        self._unknown = packed if packed not in ("identity", "", *_ZLIB_WINDOWS) else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._unknown:
            raise self._refused(f"packed as {self._unknown!r}")
        async for piece in self._wire:
            plain = self._unpacked(piece)
            self._kept.body += plain
            if len(self._kept.body) > self._kept.most_bytes:
                raise self._refused(f"longer than {self._kept.most_bytes} bytes")
            yield plain
        if self._kept.body.count(b"{") + self._kept.body.count(b"[") > MOST_CONTAINERS:
            raise self._refused("a heap of brackets")
        self._kept.complete = True

    async def aclose(self) -> None:
        await self._wire.aclose()

    def _unpacked(self, piece: bytes) -> bytes:
        if self._unpack is None:
            return piece
        try:
            return self._unpack.decompress(piece, self._kept.most_bytes + 1 - len(self._kept.body))
        except zlib.error as error:
            raise httpx2.DecodingError(str(error)) from error

    def _refused(self, why: str) -> BodyRefused:
        self._kept.refused = why
        self._kept.body.clear()
        return BodyRefused(f"the body is {why}")
