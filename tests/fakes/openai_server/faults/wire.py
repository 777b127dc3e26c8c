"""Faults in which a good answer does not come over the wire as it should."""

import asyncio
import zlib
from collections.abc import Callable

from tests.fakes.openai_server.faults.fault import Fault
from tests.fakes.openai_server.http import Connection, Reply

FOR_EVER = 24 * 3600.0


def hang() -> Fault:
    """Accept the request and never answer."""

    async def play(connection: Connection, reply: Reply) -> None:
        await asyncio.sleep(FOR_EVER)

    return Fault("hang", play=play)


def drip(seconds_per_byte: float = 1.0) -> Fault:
    """Send the body one byte at a time."""

    async def play(connection: Connection, reply: Reply) -> None:
        await connection.send_head(reply, len(reply.body))
        for at in range(len(reply.body)):
            await connection.send(reply.body[at : at + 1])
            await asyncio.sleep(seconds_per_byte)

    return Fault("drip", play=play)


def stall_mid_body() -> Fault:
    """Send half the body, then nothing."""

    async def play(connection: Connection, reply: Reply) -> None:
        await _send_half(connection, reply)
        await asyncio.sleep(FOR_EVER)

    return Fault("stall_mid_body", play=play)


def reset_mid_body() -> Fault:
    """Send half the body, then tear the connection down."""

    async def play(connection: Connection, reply: Reply) -> None:
        await _send_half(connection, reply)
        await asyncio.sleep(0.02)
        connection.reset()

    return Fault("reset_mid_body", play=play)


def cut_body() -> Fault:
    """A well-framed answer whose JSON body stops half-way."""
    return _reply_as("cut_body", lambda reply: Reply(200, reply.body[: len(reply.body) // 2], reply.headers))


def html() -> Fault:
    """200 with a web page, as a captive proxy gives."""
    page = b"<!doctype html><html><body><h1>Bad gateway</h1></body></html>"
    return _reply_as("html", lambda reply: Reply(200, page, reply.headers, "text/html"))


def html_as_json() -> Fault:
    """200 with a web page that calls itself JSON."""
    return _reply_as("html_as_json", lambda reply: Reply(200, b"<html>sorry</html>", reply.headers))


def empty_body() -> Fault:
    """200 with nothing in it."""
    return _reply_as("empty_body", lambda reply: Reply(200, b"", reply.headers))


def redirect(url: str, status: int = 307) -> Fault:
    """Send the client, words and all, to another address."""
    return _reply_as("redirect", lambda reply: Reply(status, b"", {**reply.headers, "location": url}))


def raw_body(body: bytes) -> Fault:
    """200 with this body."""
    return _reply_as("raw_body", lambda reply: Reply(200, body, reply.headers))


def deep_body(levels: int = 100_000) -> Fault:
    """200 with JSON nested too deeply for a recursive parser."""
    return _reply_as("deep_body", lambda reply: Reply(200, b"[" * levels + b"]" * levels, reply.headers))


def long_body(megabytes: int) -> Fault:
    """200 with a plain body of this many MB."""

    async def play(connection: Connection, reply: Reply) -> None:
        await connection.send_head(reply, megabytes << 20)
        for _ in range(megabytes):
            await connection.send(b" " * (1 << 20))

    return Fault("long_body", play=play)


def gzip_bomb(megabytes: int = 1024) -> Fault:
    """200 with a small gzip body that unpacks to this many MB."""

    async def play(connection: Connection, reply: Reply) -> None:
        await connection.send_head(Reply(200, headers={"content-encoding": "gzip", **reply.headers}))
        packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        await connection.send_chunk(packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH))
        # After a full flush the same input packs to the same bytes, so one block serves for all.
        block = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
        for _ in range(megabytes - 1):
            await connection.send_chunk(block)
        await connection.send_chunk(b"")

    return Fault("gzip_bomb", play=play)


async def _send_half(connection: Connection, reply: Reply) -> None:
    await connection.send_head(reply, len(reply.body))
    await connection.send(reply.body[: len(reply.body) // 2])


def _reply_as(name: str, change: Callable[[Reply], Reply]) -> Fault:
    async def play(connection: Connection, reply: Reply) -> None:
        await connection.send_reply(change(reply))

    return Fault(name, play=play)
