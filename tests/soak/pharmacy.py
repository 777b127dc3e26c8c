"""A pharmacy of real processes on one home: a server, a worker, and the PostgreSQL that the server looks after."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari
from tests.soak.counting import drained


class Pharmacy:
    """A server and a worker that deliver to a receiver and ask a stand-in for the provider."""

    def __init__(
        self, home: Path, provider: OpenAIFake, receiver: Receiver, more: Mapping[str, str] | None = None
    ) -> None:
        variables = {
            "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0.1",
            "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": receiver.secret,
        } | dict(more or {})  # fmt: skip
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

    def down(self) -> None:
        """Stop both."""
        self.worker.stop()
        self.server.stop()
