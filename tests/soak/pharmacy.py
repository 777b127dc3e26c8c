"""A pharmacy of real processes on one home: a server, a worker, and the PostgreSQL that the server looks after."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.api.line_shop import SECRET
from tests.fakes.line_server import LineFake
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari
from tests.soak.counting import drained

VERIFY_SECONDS = 300.0


class Pharmacy:
    """A server and a worker that deliver to stand-ins and ask a stand-in for the provider."""

    def __init__(
        self,
        home: Path,
        provider: OpenAIFake,
        receiver: Receiver,
        more: Mapping[str, str] | None = None,
        line: LineFake | None = None,
    ) -> None:
        variables = {
            "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0.1",
            "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": receiver.secret,
        } | (line_variables(line) if line else {}) | dict(more or {})  # fmt: skip
        self.server = Kakari(home, variables)
        self.worker = Kakari(home, variables, ("worker",))
        self.postgres = Postgres(home)

    def up(self, key: str | None = None) -> str:
        """Start both; return `key`, or a new one."""
        key = self.serve(key)
        self.worker.start()
        return key

    def serve(self, key: str | None = None) -> str:
        """Start the server, which works on jobs too; return `key`, or a new one."""
        self.server.start().ready()
        return key or self.server.key()

    def kill(self, victim: str) -> None:
        """SIGKILL `server`, `worker` or `postgres`."""
        if victim == "postgres":
            self.postgres.kill()
        else:
            (self.server if victim == "server" else self.worker).kill()

    def quiet(self) -> bool:
        """Return whether all work is done; a PostgreSQL that is away is not quiet."""
        with suppress(psycopg.OperationalError):
            return drained(self.postgres.rows)
        return False

    def trail(self) -> Any:
        """Return what `kakari audit verify` says of the one pharmacy that there is, sound or not."""
        (of_one,) = json.loads(self.server.run("audit", "verify", "--json", seconds=VERIFY_SECONDS, well=(0, 1)))[
            "pharmacies"
        ]
        return of_one

    def down(self) -> None:
        """Stop both."""
        self.worker.stop()
        self.server.stop()


def line_variables(line: LineFake) -> dict[str, str]:
    """Return the variables of a process that has its LINE account at the stand-in."""
    return {"LINE_CHANNEL_SECRET": SECRET, "LINE_CHANNEL_ACCESS_TOKEN": line.world.token, "LINE_API_BASE": line.url}
