"""The embedded PostgreSQL: closed to others, shared by processes, brought back when it dies."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.embedded import EmbeddedServer

pytestmark = pytest.mark.timed

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    embedded = EmbeddedServer(home)
    embedded.join()
    yield embedded
    embedded.leave()


@pytest.fixture
async def database(home: Path) -> AsyncIterator[Database]:
    opened = await open_database(Settings(home=home, pool_size=5))
    yield opened
    await opened.close()


def mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


async def answers(database: Database) -> bool:
    with suppress(Exception):
        async with database.begin_without_pharmacy() as connection:
            return (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    return False


async def seconds_until_answers(database: Database) -> float:
    began = time.monotonic()
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.05)
            if await answers(database):
                return time.monotonic() - began


async def test_the_first_start_takes_seconds_and_makes_missing_folders(home: Path) -> None:
    began = time.monotonic()

    opened = await open_database(Settings(home=home))

    took = time.monotonic() - began
    sys.stdout.write(f"first start, migrated: {took:.1f} s\n")
    await opened.close()
    assert took <= 10


def test_the_home_and_its_secrets_are_closed_to_others(server: EmbeddedServer, home: Path) -> None:
    assert mode(home) == 0o700
    assert mode(home / "postgres") == 0o700
    assert {mode(file) for file in home.iterdir() if file.is_file()} == {0o600}


def test_folders_above_the_home_are_not_opened_for_reading(home: Path) -> None:
    above = home.parent
    above.mkdir(mode=0o700)

    server = EmbeddedServer(above / "home")
    server.join()
    server.leave()

    assert mode(above) & 0o066 == 0


@pytest.mark.parametrize("password", ["", "postgres"], ids=["no-password", "a-wrong-password"])
def test_nobody_enters_without_the_password(server: EmbeddedServer, password: str) -> None:
    url = read_address(server.url).set(password=password)

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(libpq(url), passfile="/dev/null")


def test_a_server_that_trusts_everybody_is_refused(server: EmbeddedServer, home: Path) -> None:
    (home / "postgres" / "pg_hba.conf").write_text("local all all trust\n")
    with psycopg.connect(libpq(read_address(server.url))) as connection:
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)
    second = EmbeddedServer(home)

    with pytest.raises(ConfigError, match="lets users in without their password"):
        second.join()
    second.leave()


def test_the_server_does_not_inherit_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    server = EmbeddedServer(home)
    server.join()

    environment = Path(f"/proc/{postmaster(home)}/environ").read_bytes()

    server.leave()
    assert b"canary" not in environment


def test_the_last_one_to_leave_stops_the_server(server: EmbeddedServer, home: Path) -> None:
    second = EmbeddedServer(home)
    second.join()

    second.leave()
    running_for_the_first = server.runs()
    server.leave()

    assert running_for_the_first
    assert not server.runs()


def test_another_process_joins_and_its_death_stops_nothing(server: EmbeddedServer, home: Path) -> None:
    program = "import sys, os; from pathlib import Path; from pharmacy.storage.embedded import EmbeddedServer as E\n"
    program += "e = E(Path(sys.argv[1])); e.join(); os.kill(os.getpid(), 9)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    joined = subprocess.run([sys.executable, "-c", program, str(home)], env=environment, check=False, timeout=30)

    assert joined.returncode == -signal.SIGKILL
    assert server.runs()
    server.leave()
    assert not server.runs()


def test_many_processes_may_start_at_once(home: Path) -> None:
    program = "import sys, asyncio; from pathlib import Path; from pharmacy.settings import Settings\n"
    program += "from pharmacy.storage.database import open_database\n"
    program += "async def main():\n    d = await open_database(Settings(home=Path(sys.argv[1])))\n    await d.close()\n"
    program += "asyncio.run(main())"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    started = [subprocess.Popen([sys.executable, "-c", program, str(home)], env=environment) for _ in range(4)]

    assert [process.wait(60) for process in started] == [0, 0, 0, 0]


def test_a_path_too_long_for_a_socket_works(home: Path) -> None:
    server = EmbeddedServer(home / ("long" * 20) / "home")

    server.join()

    with psycopg.connect(libpq(read_address(server.url))) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.leave()


def test_a_start_cut_short_is_begun_anew(home: Path) -> None:
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    (home / "postgres.password").write_text("from-before")
    server = EmbeddedServer(home)

    server.join()

    assert server.runs()
    server.leave()


def test_a_lost_password_is_named(server: EmbeddedServer, home: Path) -> None:
    (home / "postgres.password").unlink()
    second = EmbeddedServer(home)

    with pytest.raises(ConfigError, match=r"postgres\.password"):
        second.join()
    second.leave()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGQUIT, id="stopped-immediately"),
        pytest.param(signal.SIGTERM, id="stopped-in-order"),
    ],
)
async def test_a_dead_server_is_back_within_seconds(database: Database, home: Path, end: signal.Signals) -> None:
    assert database.server is not None
    watching = asyncio.create_task(database.server.supervise())
    await answers(database)

    os.kill(postmaster(home), end)
    await asyncio.sleep(0.05)
    took = await seconds_until_answers(database)

    watching.cancel()
    sys.stdout.write(f"back after {end.name}: {took:.1f} s\n")
    assert took <= 10


async def test_a_forgetful_server_is_refused(database: Database, home: Path) -> None:
    with psycopg.connect(libpq(database.owner), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(0.3)

    with pytest.raises(ConfigError, match=r"fsync is off.*ALTER SYSTEM SET fsync = on"):
        await open_database(Settings(home=home))


def test_every_word_of_the_log_is_free_of_row_contents(server: EmbeddedServer, home: Path) -> None:
    with psycopg.connect(libpq(read_address(server.url)), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (name text PRIMARY KEY)")
        for _ in range(2):
            with suppress(psycopg.Error):
                connection.execute("INSERT INTO t VALUES ('canary')")

    log = (home / "postgres" / "log").read_text()

    assert "duplicate key" in log
    assert "canary" not in log


def test_a_shared_folder_keeps_its_mode(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(parents=True)
    home.chmod(0o755)
    monkeypatch.chdir(home)

    server = EmbeddedServer(Path())
    server.join()
    server.leave()

    assert mode(home) == 0o755
