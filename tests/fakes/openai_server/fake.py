"""The stand-in in a thread of its own, on a free loopback port."""

import asyncio
import threading
from datetime import date
from types import TracebackType
from typing import Self

from tests.fakes.listening import listener
from tests.fakes.openai_server.http import Connection
from tests.fakes.openai_server.known_models import KnownModels
from tests.fakes.openai_server.request_log import RequestLog
from tests.fakes.openai_server.routes import handler_of
from tests.fakes.openai_server.script import Script
from tests.fakes.openai_server.tuning import Tuning
from tests.fakes.openai_server.world import World


class OpenAIFake:
    """A server that speaks as OpenAI does, for tests.

    ```python
    with OpenAIFake() as fake:
        fake.script.answer({"category": "order_delivery"}, schema="Classification")
        fake.script.fail(faults.rate_limited("1"))
        ...  # call fake.url
        assert len(fake.log.chats()) == 2
    ```
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency_seconds: float = 0.0,
        key: str | None = None,
        models: tuple[str, ...] = (),
        today: date | None = None,
    ) -> None:
        known = KnownModels(today or date.today())  # noqa: DTZ011  # the provider's calendar day is near enough
        for name in models:
            known.add(name)
        self.world = World(known, latency_seconds, key)
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="openai-fake", daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def script(self) -> Script:
        """Answers and faults to come."""
        return self.world.script

    @property
    def tuning(self) -> Tuning:
        """Fine-tuning jobs, what models know, and how jobs go."""
        return self.world.tuning

    @property
    def log(self) -> RequestLog:
        """What was asked so far."""
        return self.world.log

    def __enter__(self) -> Self:
        self._listener = listener(self._port)
        self._port = self._listener.getsockname()[1]
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the OpenAI stand-in did not start")
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
        handler = handler_of(self.world)

        def accept() -> Connection:
            connection = Connection(handler, open_now.discard)
            open_now.add(connection)
            return connection

        server = await self._loop.create_server(accept, sock=self._listener, backlog=4096)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in [*self.world.at_work]:
            task.cancel()
        for connection in [*open_now]:
            connection.close()
        await asyncio.sleep(0)
