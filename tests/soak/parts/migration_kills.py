"""Kill the migration at moments spread over all of its length: the schema is the old one or the new, never half."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
from sqlalchemy import URL

from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from pharmacy.storage.migrate import migrate, newest_revision
from tests.faults.processes import CHECKOUT
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

KILLS = 20
PROGRAM = """
import sys
from pharmacy.storage.address import read_address
from pharmacy.storage.migrate import migrate, newest_revision
newest_revision()
print("ready", flush=True)
migrate(read_address(sys.argv[1]))
"""


def measure(run: Run) -> Iterator[Figure]:
    """Kill, look, migrate again."""
    server = EmbeddedServer(run.folder / "home")
    server.join()
    try:
        owner = read_address(server.url)
        length = _length(_new(owner))
        whole = run.kept.setdefault("whole", [])
        tried = run.scaled(KILLS, 4)
        for number in run.rounds(tried, "kill"):
            whole.append(_killed(_new(owner), length * (number + 0.5) / tried))
    finally:
        server.leave()
    in_between = sum(state == "old" for state in whole)
    yield Figure("P1", f"killed migrations that left a whole schema ({in_between} before the end)",
                 f"{sum(state != 'half' for state in whole)} of {tried}", "20 of 20", "half" not in whole)  # fmt: skip


def _new(owner: URL) -> URL:
    name = f"kakari_{secrets.token_hex(6)}"
    with psycopg.connect(libpq(owner), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template1')
    return owner.set(database=name)


def _begin(url: URL) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, url.render_as_string(hide_password=False)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT,
                               env=os.environ | {"PYTHONPATH": str(CHECKOUT)})  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _length(url: URL) -> float:
    """Return how many seconds a migration takes that nobody kills."""
    with _begin(url) as process:
        begun = time.monotonic()
        process.wait()
        return time.monotonic() - begun


def _killed(url: URL, after: float) -> str:
    """Return which schema a migration leaves that is killed `after` seconds: `old`, `new` or `half`."""
    with _begin(url) as process:
        time.sleep(after)
        process.kill()
        process.wait()
    with psycopg.connect(libpq(url)) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        begun = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if tables == (0,):
            state = "old"
        elif begun == (None,):
            state = "half"
        else:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            state = "new" if row == (newest_revision(),) else "half"
    return state if migrate(url) == newest_revision() else "half"


PART = Part("SIGKILL during the migration of the schema, at 20 moments", ("P1",), 2, measure)
