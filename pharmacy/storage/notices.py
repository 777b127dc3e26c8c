"""What changed, told between processes: a notice goes out with its transaction, or not at all."""

import asyncio
import json
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

import psycopg
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.address import libpq
from pharmacy.storage.background import end

WIRE = "kakari"
CHECK_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 1.0
KEPT = 1000
"""How many notices one subscriber may leave unread before it is told only that something changed."""

log = logging.getLogger(__name__)

_NOTIFY = text("SELECT pg_notify(:wire, :payload)")

Callback = Callable[[str | None], None]


async def notify(connection: AsyncConnection, channel: str, payload: str) -> None:
    """Tell every process's subscribers of `channel`, once the caller's transaction is committed.

    Args:
        connection: the caller's, in its transaction.
        channel: what sort of thing changed.
        payload: which one; an id, never a patient's words.
    """
    await connection.execute(_NOTIFY, {"wire": WIRE, "payload": json.dumps([channel, payload])})


class Subscription:
    """One reader's notices, oldest first."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self._woken = asyncio.Event()
        self._unread: deque[str] = deque(maxlen=KEPT)
        self._gap = False

    @property
    def is_woken(self) -> bool:
        """Whether something changed since the last `wait`; may be asked from any thread."""
        return self._woken.is_set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Return True once something changed since the last `wait`, False when `seconds` passed without."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def take(self) -> tuple[list[str], bool]:
        """Return the payloads since the last `take`, and whether some may be missing: then read the database."""
        taken = [*self._unread], self._gap
        self._unread.clear()
        self._gap = False
        return taken

    def wake(self, payload: str | None) -> None:
        """Add a notice; None says that anything may have changed."""
        if payload is None or len(self._unread) == KEPT:
            self._gap = True
        if payload is not None:
            self._unread.append(payload)
        self._woken.set()


class Notices:
    """One listening connection for the whole process, kept up over outages."""

    def __init__(self, app_url: URL) -> None:
        self._conninfo = libpq(app_url)
        self._subscriptions: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._callbacks: defaultdict[str, list[Callback]] = defaultdict(list)
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start listening; notices sent after this are heard."""
        self._task = asyncio.create_task(self._listen(), name="notices")
        await self._listening.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._task is not None:
            await end(self._task)

    @asynccontextmanager
    async def subscribe(self, channel: str, key: str | None = None) -> AsyncIterator[Subscription]:
        """Give the notices of `channel` whose payload is `key`, or all of them without one, from now on.

        After an outage every subscriber is woken: what was said meanwhile is lost, the database is not.
        """
        subscription = Subscription(key)
        self._subscriptions[channel].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[channel].discard(subscription)

    def on(self, channel: str, callback: Callback) -> None:
        """Call `callback` with each payload of `channel`, and with None when anything may have changed."""
        self._callbacks[channel].append(callback)

    async def _listen(self) -> None:
        backoff = 0.05
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {WIRE}")
                    backoff = 0.05
                    self._wake_all()
                    self._listening.set()
                    await self._hear(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("notices_interrupted reason=%r", " ".join(str(error).split()))
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=4)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            async for heard in connection.notifies(timeout=CHECK_SECONDS):
                self._deliver(heard.payload)
            # A half-open connection never fails by itself.
            async with asyncio.timeout(CHECK_SECONDS):
                await connection.execute("SELECT 1")

    def _deliver(self, wire: str) -> None:
        channel, payload = json.loads(wire)
        for subscription in self._subscriptions.get(channel, ()):
            if subscription.key in (None, payload):
                subscription.wake(payload)
        for callback in self._callbacks.get(channel, ()):
            asyncio.get_running_loop().call_soon(callback, payload)

    def _wake_all(self) -> None:
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.wake(None)
        for callbacks in self._callbacks.values():
            for callback in callbacks:
                asyncio.get_running_loop().call_soon(callback, None)
