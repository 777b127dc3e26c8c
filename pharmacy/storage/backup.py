"""Write the whole database to a file, and put such a file back into an empty one, with PostgreSQL's own programs."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, text

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, masked, read_address
from pharmacy.storage.embedded import EmbeddedServer
from pharmacy.storage.postmaster import programs
from pharmacy.storage.roles import make_role
from pharmacy.storage.vectors import EXTENSION

LONGEST_SECONDS = 6 * 3600


def write_backup(settings: Settings, file: Path) -> None:
    """Write the database to a new `file`, readable by its owner only: one moment of it, while the program goes on.

    Raises:
        ConfigError: the file exists, or the database cannot be read.
    """
    file = file.absolute()
    draft = file.with_name(f"{file.name}.part")
    if file.exists():
        raise ConfigError(f"{file}: exists already; expected a new file")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; expected a place to write to") from None
    with _reached(settings) as owner:
        # No table needs it, and a server without it must still be able to put the backup back.
        _run("pg_dump", owner, "--format=custom", f"--exclude-extension={EXTENSION}", f"--file={draft}")
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.rename(file)


def put_back(settings: Settings, file: Path) -> None:
    """Fill the empty database from `file`, all of it or nothing.

    Raises:
        ConfigError: the database is not empty, or the file is no backup of this owner's.
    """
    if not file.is_file():
        raise ConfigError(f"{file}: no such file; expected a backup")
    with _reached(settings) as owner:
        engine = create_engine(owner, poolclass=NullPool, hide_parameters=True)
        try:
            with engine.begin() as connection:
                if connection.execute(text("SELECT to_regclass('public.alembic_version')")).scalar_one() is not None:
                    said = "holds a Kakari already; expected an empty database"
                    raise ConfigError(f"database {masked(owner)}: {said}")
                make_role(connection)
        finally:
            engine.dispose()
        _run("pg_restore", owner, "--exit-on-error", "--single-transaction", "--no-owner", str(file.absolute()))


@contextmanager
def _reached(settings: Settings) -> Iterator[URL]:
    """Give the owner's address of the settings' database; the embedded server is up meanwhile."""
    if settings.database_url is not None:
        yield read_address(settings.database_url.get_secret_value())
        return
    server = EmbeddedServer(settings.home)
    server.join()
    try:
        yield read_address(server.url)
    finally:
        server.leave()


def _run(program: str, owner: URL, *arguments: str) -> None:
    # The password stands in the environment: every user of the machine can read a command line.
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGPASSWORD": str(owner.password or "")}
    address = libpq(owner.set(password=None))
    done = subprocess.run(  # noqa: S603 (PostgreSQL's own program, no shell)
        [str(programs() / program), f"--dbname={address}", "--no-password", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=LONGEST_SECONDS,
        check=False,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise ConfigError(f"{program} of {masked(owner)} ended with {done.returncode}: {done.stderr.strip()}")
