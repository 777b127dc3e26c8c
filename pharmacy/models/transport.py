"""How an endpoint is reached: one pool of connections, and bodies that are bounded while they are read."""

import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai

from pharmacy.models.base_url import is_loopback
from pharmacy.models.http_exchange import CONNECT_SECONDS, MOST_CONTAINERS, BodyRefused, Exchange
from pharmacy.models.status_error import OK, status_error
from pharmacy.tls import tls

MAX_CONNECTIONS = 4000
IDLE_SECONDS = 20.0
"""How long a connection is kept that nobody uses."""

_PIECE_BYTES = 64 * 1024
_ZLIB_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Transport:
    """One endpoint's chat completions over HTTP: no redirects, a time-out to connect, else timed by the caller."""

    def __init__(self, base_url: str, key: str, headers: Mapping[str, str]) -> None:
        """`headers` take the place of the usual one where the endpoint wants its key elsewhere."""
        self.url = f"{base_url.rstrip('/')}/chat/completions"
        self._proxy = _proxy(base_url)
        self._headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            **(headers or {"authorization": f"Bearer {key}"}),
        }
        self._session: aiohttp.ClientSession | None = None

    async def completion(self, body: bytes, seen: Exchange) -> bytes:
        """Return the whole answer to `body`; `seen` holds what came, whatever happens.

        Raises:
            openai.APIError: it cannot be reached, or says no.
        """
        async with self.answer(body, seen) as answer:
            async for piece in pieces(answer, seen):
                seen.body += piece
            if seen.body.count(b"{") + seen.body.count(b"[") > MOST_CONTAINERS:
                raise refused(seen, "a heap of brackets")
            seen.complete = True
        return bytes(seen.body)

    @asynccontextmanager
    async def answer(self, body: bytes, seen: Exchange) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give the answer to `body` once it has begun well; left early, the connection is closed.

        Raises:
            openai.APIError: it cannot be reached, or says no.
        """
        try:
            async with self._open().post(
                self.url, data=body, headers=self._headers, proxy=self._proxy, allow_redirects=False,
                trace_request_ctx=seen,
            ) as answer:  # fmt: skip
                seen.status = answer.status
                if answer.status != OK:
                    said = b"".join([piece async for piece in pieces(answer, seen)])
                    raise status_error(self.url, answer.status, answer.headers, said)
                yield answer
        except TimeoutError as error:
            if not isinstance(error, aiohttp.ClientError):
                raise  # the caller's own
            raise openai.APITimeoutError(httpx2.Request("POST", self.url)) from error
        except (aiohttp.ClientError, OSError, BodyRefused) as error:
            raise openai.APIConnectionError(request=httpx2.Request("POST", self.url)) from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, made at the first call: it belongs to the loop that runs then."""
        if self._session is None or self._session.closed:
            sent = aiohttp.TraceConfig()
            sent.on_request_chunk_sent.append(_tell_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=tls(), keepalive_timeout=IDLE_SECONDS),
                # In all a call is timed by whoever makes it.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False, trace_configs=[sent], cookie_jar=aiohttp.DummyCookieJar(),
            )  # fmt: skip
        return self._session


async def pieces(answer: aiohttp.ClientResponse, seen: Exchange) -> AsyncIterator[bytes]:
    """Give the body of `answer` unpacked, never more of it than `seen` allows.

    Raises:
        BodyRefused: it is longer, or packed as nobody asked.
    """
    packed = answer.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "", *_ZLIB_WINDOWS):
        raise refused(seen, f"packed as {packed!r}")
    unpack = zlib.decompressobj(_ZLIB_WINDOWS[packed]) if packed in _ZLIB_WINDOWS else None
    had = 0
    async for piece in answer.content.iter_any():
        for part in (piece[at : at + _PIECE_BYTES] for at in range(0, len(piece), _PIECE_BYTES)):
            plain = _unpacked(unpack, part, seen.most_bytes + 1 - had) if unpack else part
            had += len(plain)
            if had > seen.most_bytes:
                raise refused(seen, f"longer than {seen.most_bytes} bytes")
            yield plain


def refused(seen: Exchange, why: str) -> BodyRefused:
    """Return the error of a body that is not read to its end, and forget what was read of it."""
    seen.refused = why
    seen.body.clear()
    return BodyRefused(f"the body is {why}")


def _unpacked(unpack: "zlib._Decompress", piece: bytes, most: int) -> bytes:
    try:
        return unpack.decompress(piece, most)
    except zlib.error as error:
        raise aiohttp.ClientPayloadError(str(error)) from error


async def _tell_sent(_: aiohttp.ClientSession, call: SimpleNamespace, __: aiohttp.TraceRequestChunkSentParams) -> None:
    call.trace_request_ctx.on_sent()


def _proxy(base_url: str) -> str | None:
    """Return the environment's proxy for `base_url`; it has no business between two programs on this machine."""
    host, scheme = urlsplit(base_url).hostname or "", urlsplit(base_url).scheme
    found = getproxies()
    if is_loopback(host) or proxy_bypass(host):
        return None
    return found.get(scheme) or found.get("all")
