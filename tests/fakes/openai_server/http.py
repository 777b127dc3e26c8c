"""A small HTTP/1.1 server over asyncio that also lets a handler misbehave on the wire."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytes
    client_port: int
    """One per connection."""


@dataclass(frozen=True)
class Reply:
    """One well-formed HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @classmethod
    def of(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> "Reply":
        """Return `value` as JSON."""
        return cls(status, json.dumps(value).encode(), headers or {})


Handler = Callable[[Request, "Connection"], Awaitable[Reply | None]]
"""Returns a reply to write, or None when it has written to the connection itself."""


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other; a client that leaves cancels the handler."""

    def __init__(self, handler: Handler, on_close: Callable[["Connection"], None]) -> None:
        self._handler = handler
        self._on_close = on_close
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._may_write.set()
        self._on_close(self)
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def send(self, data: bytes) -> None:
        """Write `data`, waiting while the client is slow to read."""
        await self._may_write.wait()
        if self._transport.is_closing():
            await asyncio.Event().wait()  # until the loss of the connection, already on its way, cancels us
        self._transport.write(data)

    async def send_head(self, reply: Reply, length: int | None = None) -> None:
        """Write status and headers; `length` is announced as the body's length, None as chunked."""
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        lines = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"content-type: {reply.content_type}",
            framing,
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def send_chunk(self, data: bytes) -> None:
        """Write one chunk of a chunked body; an empty one ends it."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def send_reply(self, reply: Reply) -> None:
        """Write `reply` whole."""
        await self.send_head(reply, len(reply.body))
        await self.send(reply.body)

    def reset(self) -> None:
        """Tear the connection down with a TCP reset."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _next(self) -> None:
        if self._task is None and (request := self._take()) is not None:
            self._task = asyncio.get_running_loop().create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        try:
            reply = await self._handler(request, self)
            if reply is not None:
                await self.send_reply(reply)
        except asyncio.CancelledError:
            return
        self._task = None
        self._next()

    def _take(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                self.close()
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(self._buffer) < end + 4 + length:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        method, target, _ = first.split(" ", 2)
        url = urlsplit(target)
        port = self._transport.get_extra_info("peername")[1]
        return Request(method, unquote(url.path), url.query, headers, body, port)
