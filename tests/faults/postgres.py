"""PostgreSQL under a tester's hand: stopped hard, killed, and looked into as its owner."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer


@dataclass(frozen=True)
class Postgres:
    """The server that a Kakari runs in its own KAKARI_HOME."""

    home: Path

    @property
    def pid(self) -> int:
        """The postmaster's process; 0 while there is none."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        return 0

    def children(self) -> list[int]:
        """Return the postmaster's child processes: one per connection, and those that write in the background."""
        with suppress(OSError):
            return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def stop_immediately(self) -> None:
        """What `pg_ctl stop -m immediate` does: no checkpoint, no goodbye; the next start recovers from the log."""
        self._signal(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL of the postmaster; its children end when they notice."""
        self._signal(signal.SIGKILL)

    def rows(self, query: str, *given: object) -> Sequence[tuple[Any, ...]]:
        """Return what a query finds, as the owner, past every row-level rule."""
        with psycopg.connect(libpq(read_address(EmbeddedServer(self.home).url)), connect_timeout=5) as connection:
            return connection.execute(query, given).fetchall()  # type: ignore[arg-type]

    def rows_when_up(self, query: str, *given: object, seconds: float = 30) -> Sequence[tuple[Any, ...]]:
        """Return what a query finds, waiting for a server that is coming up."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.rows(query, *given)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _signal(self, number: int) -> None:
        if pid := self.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def lock_held(database_url: str, statement: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Run `statement` in a transaction of a second connection and keep it open, locks and all, for the block."""
    with psycopg.connect(libpq(read_address(database_url))) as holder:
        holder.execute(statement)  # type: ignore[call-overload]
        try:
            yield holder
        finally:
            with suppress(psycopg.Error):
                holder.rollback()
