"""Who listens to the event stream, over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from pharmacy.storage.background import end

EVENTS = "/v1/events"


@dataclass
class Listener:
    """What a stream has said so far."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, conversation_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return what was heard of a conversation."""
        return [(event, said) for event, said in self.heard if said.get("conversation_id") == conversation_id]

    async def hears(self, event: str, said: dict[str, Any] | None = None, seconds: float = 5) -> None:
        """Return as soon as that was heard, and take what was heard until now out of the list."""
        async with asyncio.timeout(seconds):
            while not any(name == event and said in (None, data) for name, data in self.heard):
                self.news.clear()
                await self.news.wait()
        self.heard.clear()

    async def is_still(self, seconds: float = 0.5) -> None:
        """Return when nothing has been heard for so long, and forget what was."""
        while True:
            self.news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self.news.wait()
            except TimeoutError:
                self.heard.clear()
                return


@asynccontextmanager
async def listening(client: httpx2.AsyncClient, **asked: Any) -> AsyncIterator[Listener]:
    """Open a stream as `client`, past its first `changed`, and read it while the body runs."""
    listener = Listener()
    async with client.stream("GET", EVENTS, **asked) as answer:
        listener.status, listener.headers = answer.status_code, answer.headers
        reading = asyncio.create_task(_read(answer, listener))
        try:
            if answer.status_code == 200:
                await listener.hears("changed")
            yield listener
        finally:
            await end(reading)


async def _read(answer: httpx2.Response, listener: Listener) -> None:
    event = ""
    try:
        async for line in answer.aiter_lines():
            listener.raw += f"{line}\n"
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                listener.heard.append((event, json.loads(line.removeprefix("data: "))))
                listener.news.set()
    finally:
        listener.ended.set()
        listener.news.set()
