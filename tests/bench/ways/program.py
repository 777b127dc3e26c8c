"""Kakari as it runs in production: its server and worker in a process of their own, PostgreSQL, jobs, records, gates.

Where it listens comes from the environment: BENCH_URL, BENCH_KEY, BENCH_PIDS and BENCH_POSTGRES_PID.
"""

import os
from collections.abc import Mapping
from uuid import uuid4

import aiohttp

from tests.bench.ways import cpu
from tests.bench.ways.steps import text_of

_WAIT_SECONDS = 60


class Program:
    """Sends messages over the public API, each in a conversation of its own, and waits for what becomes of them."""

    def __init__(self, _: str) -> None:
        self._url = f"{os.environ['BENCH_URL']}/v1/messages"
        told = {"kakari": "BENCH_PIDS", "postgres": "BENCH_POSTGRES_PID"}
        self._pids = {name: [*map(int, os.environ[variable].split())] for name, variable in told.items()}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers={"authorization": f"Bearer {os.environ['BENCH_KEY']}"}
        )
        self._run = uuid4().hex[:8]

    async def answer(self, number: int) -> None:
        """Send message `number`, and wait for its outcome.

        Raises:
            ValueError: it came to no outcome in time.
        """
        body = {"conversation_id": f"b-{self._run}-{number}", "text": text_of(number),
                "patient": {"id": f"p-{self._run}-{number}", "consent": {"replies": True}}}  # fmt: skip
        async with self._session.post(self._url, json=body, params={"wait": _WAIT_SECONDS}) as answer:
            said = await answer.json()
        if said.get("outcome") not in ("suggestion", "handover"):
            raise ValueError(str(said))

    def cpu_seconds(self) -> Mapping[str, float]:
        """Return what Kakari and PostgreSQL have used."""
        return {name: sum(cpu.of(cpu.family(pid)) for pid in pids) for name, pids in self._pids.items()}

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()
