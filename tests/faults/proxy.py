"""A TCP proxy on loopback that makes a bad network of a good one: slow, resetting, half-open, swallowing."""

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from tests.fakes.listening import listener

CHUNK = 65_536
Mode = Literal["pass", "blackhole", "half_open", "refuse"]


@dataclass
class Weather:
    """What the proxy does to traffic; may be changed while it runs."""

    mode: Mode = "pass"
    """blackhole takes bytes and passes none on, and answers none; half_open passes on what the client says and swallows
    what the server answers; refuse resets each new connection."""

    delay_seconds: float = 0.0
    """How late each piece arrives, each way."""

    reset_share: float = 0.0
    """The share of pieces at which the connection is torn down instead."""


@dataclass
class Proxy:
    """Stands before a server, given as (host, port) or as the path of its Unix socket."""

    target: tuple[str, int] | str
    weather: Weather = field(default_factory=Weather)
    seed: int = 1
    resets: int = 0
    """How many connections it has torn down."""

    def __enter__(self) -> Self:
        """Listen on a free port, in a thread of its own."""
        self._draw = random.Random(self.seed)
        self._listener = listener()
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True, name="proxy")
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Its address as HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Tear down every open connection at once."""
        self._loop.call_soon_threadsafe(lambda: [_reset(writer) for writer in [*self._open]])

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._connected, sock=self._listener)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in [*self._open]:
            _reset(writer)
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.mode == "refuse":
            _reset(writer)
            return
        self._open.add(writer)
        try:
            far_reader, far_writer = await self._reach()
            self._open.add(far_writer)
            try:
                await asyncio.gather(
                    self._pump(reader, far_writer, writer, "up"), self._pump(far_reader, writer, far_writer, "down")
                )
            finally:
                self._open.discard(far_writer)
                far_writer.close()
        except OSError:
            _reset(writer)
        finally:
            self._open.discard(writer)
            with suppress(OSError):
                writer.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: asyncio.StreamWriter, way: str
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while piece := await source.read(CHUNK):
                if self.weather.delay_seconds:
                    await asyncio.sleep(self.weather.delay_seconds)
                if self._draw.random() < self.weather.reset_share:
                    self.resets += 1
                    _reset(sink)
                    _reset(back)
                    return
                swallowed = self.weather.mode == "blackhole" or (self.weather.mode == "half_open" and way == "down")
                if not swallowed:
                    sink.write(piece)
                    await sink.drain()
            if sink.can_write_eof() and self.weather.mode == "pass":
                sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a middle box does."""
    with suppress(OSError):
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.family == socket.AF_INET:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
