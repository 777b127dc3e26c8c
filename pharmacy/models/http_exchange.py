"""The HTTP client of an endpoint: bodies bounded in memory, and kept for whoever reads the call."""

import functools
import ssl
import zlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from pharmacy.models.base_url import is_loopback

MAX_BODY_BYTES = 2 * 1024 * 1024
CONNECT_SECONDS = 3.0
MAX_CONNECTIONS = 4000
MAX_IDLE_CONNECTIONS = 200

_ZLIB_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


@dataclass
class Exchange:
    """What came back over the wire in one call."""

    status: int | None = None
    """None while no answer has begun."""

    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    too_long: bool = False


exchange: ContextVar[Exchange] = ContextVar("exchange")
"""The call in work; set it before the call, read it after."""


class BodyTooLong(httpx2.DecodingError):
    """The body, unpacked, passes MAX_BODY_BYTES, or is packed in a way we did not ask for."""


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
        event_hooks={"response": [_bound]},
    )


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the process's one TLS set-up; reading the certificates takes longer than all else that a client needs."""
    return httpx2.create_ssl_context()


async def _bound(response: httpx2.Response) -> None:
    """Put the bound between the wire and the client; unpacks here, so that the client cannot unpack without end."""
    kept = exchange.get(Exchange())
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
            if len(self._kept.body) > MAX_BODY_BYTES:
                raise self._refused(f"longer than {MAX_BODY_BYTES} bytes")
            yield plain
        self._kept.complete = True

    async def aclose(self) -> None:
        await self._wire.aclose()

    def _unpacked(self, piece: bytes) -> bytes:
        if self._unpack is None:
            return piece
        try:
            return self._unpack.decompress(piece, MAX_BODY_BYTES + 1 - len(self._kept.body))
        except zlib.error as error:
            raise httpx2.DecodingError(str(error)) from error

    def _refused(self, why: str) -> BodyTooLong:
        self._kept.too_long = True
        self._kept.body.clear()
        return BodyTooLong(f"the body is {why}")
