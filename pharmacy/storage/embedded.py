"""Kakari's own PostgreSQL, used when DATABASE_URL is unset: shared by every Kakari process of one KAKARI_HOME."""

import asyncio
import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from pharmacy.domain.errors import ConfigError
from pharmacy.storage.home import prepare_home, write_secret
from pharmacy.storage.postmaster import OWNER, Postmaster

DATABASE = "kakari"

log = logging.getLogger(__name__)


class EmbeddedServer:
    """This process's share in the server of one KAKARI_HOME.

    Every process holds a shared lock while it uses the server; the one that finds itself alone when it leaves stops it.
    A killed process loses its lock with its life, so nothing is ever counted wrongly.
    """

    def __init__(self, home: Path) -> None:
        self.home = prepare_home(home)
        self._postmaster = Postmaster(self.home / "postgres")
        self._password_file = self.home / "postgres.password"
        self._users = -1

    @property
    def url(self) -> str:
        """The owner's address, password included."""
        place = quote(str(self._postmaster.socket_folder), safe="")
        return f"postgresql://{OWNER}:{self._password()}@/{DATABASE}?host={place}&port=5432"

    def join(self) -> None:
        """Start the server, or join it where it runs. Blocks; about a second the first time.

        Raises:
            ConfigError: it cannot be made or started, or would let somebody in without the password.
        """
        self._users = _open_lock(self.home / "postgres.users")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        with self._alone():
            if not (self.home / "postgres").exists():
                write_secret(self._password_file, secrets.token_urlsafe(32))
                self._postmaster.make(self._password())
            self._postmaster.start()
            self._refuse_open_door()
            self._make_database()

    def leave(self) -> None:
        """Give the server up, and stop it when no other Kakari process uses it."""
        if self._users < 0:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._postmaster.stop()
        except BlockingIOError:
            log.debug("embedded_server_left_running")
        finally:
            os.close(self._users)
            self._users = -1

    def runs(self) -> bool:
        """Return whether the server is up and ready."""
        return self._postmaster.runs()

    def revive(self) -> None:
        """Start the server again if it is dead. Blocks."""
        with self._alone():
            self._postmaster.start()

    async def supervise(self, every_seconds: float = 0.5) -> None:
        """Look after the server until cancelled, reviving it whenever it is dead."""
        told = ""
        while True:
            await asyncio.sleep(every_seconds)
            if self._postmaster.runs():
                continue
            try:
                await asyncio.to_thread(self.revive)
                log.warning("embedded_server_revived")
                told = ""
            except (ConfigError, OSError) as error:
                reason = str(error).split("\n", 1)[0]
                if reason != told:
                    log.error("embedded_server_down reason=%r", str(error))
                told = reason

    def _password(self) -> str:
        try:
            return self._password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{self._password_file}: {error.strerror}; the embedded database's password stands there"
            ) from error

    def _connect(self, database: str, password: str) -> psycopg.Connection[tuple[object, ...]]:
        place = str(self._postmaster.socket_folder)
        return psycopg.connect(
            host=place, port=5432, user=OWNER, dbname=database, password=password, autocommit=True, connect_timeout=5
        )

    def _refuse_open_door(self) -> None:
        try:
            self._connect("postgres", "not-the-password").close()
        except psycopg.OperationalError:
            return
        raise ConfigError(
            f"{self.home}/postgres/pg_hba.conf lets users in without their password; scram-sha-256 is expected"
        )

    def _make_database(self) -> None:
        with self._connect("postgres", self._password()) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = _open_lock(self.home / "postgres.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _open_lock(place: Path) -> int:
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
