"""A whole pharmacy in the test's own process: real database, worker and HTTP server; models and gate handed in."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from pydantic import SecretStr
from sqlalchemy import Row, text

from graph.assemble import Assembled, assemble_from
from graph.run import ReplyFlow
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.gates.recognise import Recognition
from pharmacy.domain.rights import EVERY_RIGHT
from pharmacy.settings import Settings
from pharmacy.storage import access
from pharmacy.storage.background import end
from pharmacy.tls import tls
from server.app import create_app
from server.program import Program, open_program
from server.serving import listen
from server.worker.run import run_worker
from tests.fakes.openai_server import OpenAIFake

_NUMBERS = itertools.count(1)


class WordGate:
    """Stands in for the recogniser: three plain words, one for each tier, and nothing else is held."""

    WORDS = (("緊急語", Tier.E), ("至急語", Tier.U), ("人手語", Tier.H))

    def recognise(self, words: str) -> Recognition:
        """Return a hit for each of the three words that stands in `words`."""
        found = [(word, tier) for word, tier in self.WORDS if word in words]
        return Recognition(tuple(GateHit(f"word.{tier}", tier, (0, len(word)), word) for word, tier in found))


@dataclass(frozen=True)
class Shop:
    """A running pharmacy and what a test needs to speak with it."""

    program: Program
    http: httpx2.AsyncClient
    """Calls with a key of every right."""

    stranger: httpx2.AsyncClient
    """Calls without one."""

    foreign: httpx2.AsyncClient
    """Calls with another pharmacy's key."""

    url: str

    async def post(self, path: str, body: Any = None, **given: Any) -> httpx2.Response:
        """Post `body` as JSON."""
        return await self.http.post(path, json=body, **given)

    async def say(self, conversation_id: str, words: str, wait: float | None = 20, **more: Any) -> dict[str, Any]:
        """Send a patient's message and return the answer's body; with `wait`, what it came to."""
        asked = {"wait": wait} if wait is not None else {}
        answer = await self.post(
            "/v1/messages", {"conversation_id": conversation_id, "text": words, **more}, params=asked
        )
        assert answer.status_code == (200 if wait is not None else 202), answer.text
        return answer.json()

    async def conversation(self, conversation_id: str) -> dict[str, Any]:
        """Return a conversation as the API shows it."""
        answer = await self.http.get(f"/v1/conversations/{conversation_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def suggestion(self, suggestion_id: str) -> dict[str, Any]:
        """Return a suggestion as the API shows it."""
        return (await self.http.get(f"/v1/suggestions/{suggestion_id}")).json()

    async def rows(self, statement: str, **given: Any) -> Sequence[Row[Any]]:
        """Return what a query of the store finds."""
        async with self.program.database.begin(self.program.settings.pharmacy_id) as tx:
            return (await tx.execute(text(statement), given)).all()

    async def until(self, look: Any, seconds: float = 10.0) -> Any:
        """Return what the coroutine function `look` gives as soon as it is true."""
        async with asyncio.timeout(seconds):
            while not (found := await look()):  # noqa: ASYNC110 (the shop is asked over HTTP)
                await asyncio.sleep(0.02)
        return found


def new_id(kind: str = "c") -> str:
    """Return an id that no other test uses."""
    return f"{kind}-{next(_NUMBERS)}"


def settings_of(database_url: str, home: Path, provider: OpenAIFake) -> Settings:
    """Return settings on that database, served by the stand-in for the provider."""
    return Settings(
        database_url=database_url, home=home, pool_size=20, settle_seconds=0, models="openai",
        openai_api_key=SecretStr("test"), openai_base_url=provider.url,
    )  # fmt: skip


def assembled_with(settings: Settings, gate: Any) -> Assembled:
    """Return the shipped flow with `gate` in place of the recogniser."""
    shipped = assemble_from(settings)
    parts = replace(shipped.replies.parts, recogniser=gate)
    return replace(shipped, replies=ReplyFlow(parts), gates_closed_by="")


@asynccontextmanager
async def running(settings: Settings, assembled: Assembled | None = None, *, work: bool = True) -> AsyncIterator[Shop]:
    """Run a pharmacy while the body does, on a free loopback port.

    Args:
        work: False leaves every job where it is.
    """
    async with open_program(settings, assembled or assembled_with(settings, WordGate())) as program:
        keys = [await _key(program, settings.pharmacy_id), await _key(program, "elsewhere")]
        worker = asyncio.create_task(run_worker(program)) if work else None
        async with (
            _serving(program) as url,
            _client(url, keys[0]) as http,
            _client(url) as stranger,
            _client(url, keys[1]) as foreign,
        ):
            try:
                yield Shop(program, http, stranger, foreign, url)
            finally:
                await _end(worker)


async def _end(worker: asyncio.Task[None] | None) -> None:
    if worker is not None:
        await end(worker, again_seconds=15)


@asynccontextmanager
async def _serving(program: Program) -> AsyncIterator[str]:
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(program),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 (uvicorn tells nobody)
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _client(url: str, key: str | None = None) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # It keeps no cookie: many tests share it, and none is to find itself signed in by another.
    none_kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.AsyncClient(verify=tls(), base_url=url, headers=headers, cookies=none_kept, timeout=70)


async def _key(program: Program, pharmacy_id: str) -> str:
    async with program.database.begin(pharmacy_id) as tx:
        return await access.create_key(tx, pharmacy_id, new_id("key"), "test", None, EVERY_RIGHT)
