"""The stand-in in a thread of its own, on a free loopback port."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.fakes.line_server.faults import Faults
from tests.fakes.line_server.routes import handler_of
from tests.fakes.line_server.world import World
from tests.fakes.listening import listener
from tests.fakes.openai_server.http import Connection


class LineFake:
    """A server that speaks as LINE does, for tests.

    ```python
    with LineFake() as line:
        line.faults.waiting.append(faults.status(500))
        ...  # set LINE_API_BASE to line.url, LINE_CHANNEL_ACCESS_TOKEN to line.world.token
        assert line.world.texts_to(user_id) == ["…"]
    ```
    """

    def __init__(self, *, token: str = "line-token", port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.world = World(token, clock)
        self.faults = Faults()
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line-fake", daemon=True)

    @property
    def url(self) -> str:
        """The address to give as LINE_API_BASE."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._listener = listener(self._port)
        self._port = self._listener.getsockname()[1]
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the LINE stand-in did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and every connection; may be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        open_now: set[Connection] = set()
        handler = handler_of(self.world, self.faults)

        def accept() -> Connection:
            connection = Connection(handler, open_now.discard)
            open_now.add(connection)
            return connection

        server = await self._loop.create_server(accept, sock=self._listener, backlog=1024)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in [*open_now]:
            connection.close()
        await asyncio.sleep(0)
