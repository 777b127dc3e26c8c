"""LangSmith's client as everything here uses it: no batching or retries of its own, and its own thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from langsmith import Client
from urllib3.util.retry import Retry

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings

TIMEOUT_MS = (2000, 5000)
CALL_SECONDS = 30.0
"""How long one piece of work may take; a server that sends a byte now and then must not hold it for ever."""

HOME = "https://api.smith.langchain.com"

Result = TypeVar("Result")


class LangSmithFailed(Exception):
    """LangSmith could not be reached, was too slow, or refused; a later try may do better."""


class Unfit(Exception):
    """What was asked cannot be, however often it is tried."""


def client_of(settings: Settings, failed: Callable[[Exception], None] | None = None) -> Client:
    """Return a client with the key of `settings`.

    Args:
        failed: is told of each batch of traces that was not taken.
    """
    key = settings.langsmith_api_key.get_secret_value() if settings.langsmith_api_key else None
    # Its own batching lives in threads that hold up the end of the process for minutes; ours does not. The variables of
    # the environment that it would add to each trace stay at home.
    return Client(
        settings.langsmith_endpoint or HOME,
        api_key=key,
        workspace_id=settings.langsmith_workspace_id,
        auto_batch_tracing=False,
        omit_traced_runtime_info=True,
        timeout_ms=TIMEOUT_MS,
        retry_config=Retry(total=0),
        tracing_error_callback=failed,
        tracing_sampling_rate=1.0,
        tracing_mode="langsmith",
        disable_prompt_cache=True,
    )


class LangSmith:
    """One process's calls to LangSmith, one after the other in a thread that nobody has to wait for.

    The library's lasting calls for annotation queues are bound to the event loop that first makes them, and its others
    stand still while they wait: both are at home in one loop that belongs to nobody else.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._project_id: str | None = None

    @property
    def has_key(self) -> bool:
        """Whether anything can be asked at all."""
        return self._settings.langsmith_api_key is not None

    async def ask(self, work: Callable[[Client], Coroutine[Any, Any, Result]], seconds: float = CALL_SECONDS) -> Result:
        """Return what `work` returns, done in LangSmith's own thread; whoever is cancelled leaves it there.

        Raises:
            ConfigError: no key is set.
            LangSmithFailed: it came to no end in time, or to a bad one.
            Unfit: as `work` said.
        """
        if not self.has_key:
            raise ConfigError("LANGSMITH_API_KEY is not set; without it nothing is asked of LangSmith")
        done = asyncio.run_coroutine_threadsafe(self._work(work), self._running())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), seconds)
        except TimeoutError as error:
            # Whatever holds the thread up, the next one to ask has one of their own.
            self.close()
            raise LangSmithFailed(f"LangSmith did not answer within {seconds:g} s") from error
        except Unfit:
            raise
        except Exception as error:  # noqa: BLE001 (whatever the library raises)
            # Not the library's own words: they repeat what was sent.
            raise LangSmithFailed(f"LangSmith did not take it: {type(error).__name__}") from None

    def project_id(self, client: Client) -> str:
        """Return the project's id, by which runs are found; to be called inside `ask`."""
        if self._project_id is None:
            self._project_id = str(client.read_project(project_name=self._settings.langsmith_project).id)
        return self._project_id

    def close(self) -> None:
        """Let go of the thread, which ends by itself; what it is at is left where it is."""
        loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is not None:
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(_end(loop, client)))

    async def _work(self, work: Callable[[Client], Coroutine[Any, Any, Result]]) -> Result:
        if self._client is None:
            self._client = client_of(self._settings)
        return await work(self._client)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a process that ends does not wait for it.
                threading.Thread(target=_live, args=(self._loop,), name="langsmith", daemon=True).start()
            return self._loop


def _live(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop, client: Client | None) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if client is not None:
        client.close(timeout=0)
        # The half of it that speaks for annotation queues is closed by nobody else.
        if (lasting := getattr(client, "_langsmith_api", None)) is not None:
            await lasting.close()
    loop.stop()
