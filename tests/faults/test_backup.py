"""A backup is put back: what went out after it was made goes out no second time by itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.backup import put_back, write_backup
from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import Kakari, until
from tests.faults.rules import everyday

SECRET = "delivery"
QUESTION = "葛根湯は食前ですか"
MESSAGES = ("queued", "drafted", "unanswered")
"""Where each conversation stands in the backup: its reply approved but not out, a draft open, no draft yet."""


def _variables(url: str, provider: OpenAIFake, receiver: Receiver, settle: float) -> dict[str, str]:
    return {
        "DATABASE_URL": url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
        "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": SECRET, "KAKARI_SETTLE_SECONDS": str(settle),
    }  # fmt: skip


def _rows(url: str, statement: str) -> list[Any]:
    with psycopg.connect(libpq(read_address(url))) as connection:
        return connection.execute(statement).fetchall()


def _say(client: httpx2.Client, conversation_id: str) -> None:
    body = {"conversation_id": conversation_id, "message_id": f"m-{conversation_id}", "text": QUESTION}
    assert client.post("/v1/messages", json=body).status_code == 202


def _approve(client: httpx2.Client, conversation_id: str) -> None:
    drafted = until("a draft", lambda: client.get(f"/v1/conversations/{conversation_id}").json()["suggestion"], 30)
    answer = client.post(f"/v1/suggestions/{drafted['id']}/approve", json={"version": drafted["version"]})
    assert answer.status_code < 300, answer.text


def _a_night(url: str, home: Path, provider: OpenAIFake, receiver: Receiver, backup: Path) -> None:
    """Make a backup in the middle of work, and go on until everything of it is out."""
    variables = _variables(url, provider, receiver, 0.1)
    with Kakari(home, variables) as server:
        server.ready()
        with server.client() as client:
            receiver.statuses = [503] * 10_000
            for conversation_id in ("queued", "drafted"):
                _say(client, conversation_id)
            _approve(client, "queued")
            until("a draft", lambda: client.get("/v1/conversations/drafted").json()["suggestion"], 30)
            until("a refused delivery", lambda: receiver.tried, 30)
    with Kakari(home, variables | {"KAKARI_SETTLE_SECONDS": "8"}) as server:
        server.ready()
        with server.client() as client:
            _say(client, "unanswered")
            server.run("backup", str(backup))
            receiver.statuses = []
            _approve(client, "drafted")
            _approve(client, "unanswered")
            until("three replies out", lambda: len(receiver.taken) == 3, 60)


def _redelivered(server: Kakari) -> None:
    with server.client() as client:
        for conversation_id in MESSAGES:
            _say(client, conversation_id)


def test_nothing_goes_out_again_by_itself_after_last_nights_backup_was_put_back(
    database_url: str, empty_database_url: str, tmp_path: Path, figure: Callable[..., None]
) -> None:
    with OpenAIFake() as provider, Receiver(SECRET) as receiver:
        provider.script.rule = everyday
        _a_night(database_url, tmp_path / "home", provider, receiver, tmp_path / "night.backup")
        before = len(receiver.tried)

        put_back(Settings(database_url=SecretStr(empty_database_url)), tmp_path / "night.backup")
        variables = _variables(empty_database_url, provider, receiver, 0.1)
        with Kakari(tmp_path / "home", variables) as server:
            server.ready()
            _redelivered(server)
            # An alarm with nowhere to go waits on: it is no message.
            until(
                "no job left",
                lambda: (
                    not _rows(
                        empty_database_url,
                        "SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name <> 'alarm'",
                    )
                ),
                30,
            )
            verified = json.loads(server.run("audit", "verify", "--json"))

        again = len(receiver.tried) - before
        figure("P2", "texts sent again by themselves after a restore", measured=str(again), asked="0", holds=again == 0)
        assert receiver.problems == []
    assert verified["holds"]
    assert _rows(empty_database_url, "SELECT conversation_id, state FROM outbox") == [("queued", "parked")]
    waiting = "SELECT conversation_id FROM handovers WHERE state = 'open' ORDER BY 1"
    assert [row[0] for row in _rows(empty_database_url, waiting)] == sorted(MESSAGES)
    assert _rows(empty_database_url, "SELECT is_on FROM kill_switches") == [(True,)]
    assert _rows(empty_database_url, "SELECT found_by FROM restores ORDER BY seq") == [
        ("first start",), ("another server or database",),
    ]  # fmt: skip


def test_an_embedded_database_is_put_back_into_a_new_home(tmp_path: Path, home: Path) -> None:
    other = home.with_name("other")
    with OpenAIFake() as provider:
        provider.script.rule = everyday
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0.1"}
        with Kakari(home, variables) as server:
            server.ready()
            with server.client() as client:
                _say(client, "drafted")
                until("a draft", lambda: client.get("/v1/conversations/drafted").json()["suggestion"], 30)
            server.run("backup", str(tmp_path / "night.backup"))

        restored = Kakari(other, variables)
        restored.run("restore", str(tmp_path / "night.backup"))
        with restored as server:
            server.ready()
            verified = json.loads(server.run("audit", "verify", "--json"))
            with psycopg.connect(libpq(read_address(EmbeddedServer(other).url))) as connection:
                cases = connection.execute("SELECT conversation_id, code FROM handovers").fetchall()
                found = [row[0] for row in connection.execute("SELECT found_by FROM restores ORDER BY seq")]
                compares = connection.execute("SELECT to_regtype('vector') IS NOT NULL").fetchone()

    assert verified["holds"]
    # A server without the extension must be able to put the backup back; the next start makes it where it is.
    assert b"CREATE EXTENSION" not in (tmp_path / "night.backup").read_bytes()
    assert compares == (True,)
    assert cases == [("drafted", "restored")]
    assert found == ["first start", "kakari restore night.backup"]
    assert (tmp_path / "night.backup").stat().st_mode & 0o777 == 0o600


def test_an_older_state_of_the_same_database_is_noticed_by_what_stands_outside_it(
    database_url: str, tmp_path: Path
) -> None:
    with OpenAIFake() as provider:
        provider.script.rule = everyday
        variables = {"DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
                     "KAKARI_SETTLE_SECONDS": "0.1"}  # fmt: skip
        with Kakari(tmp_path / "home", variables) as server:
            server.ready()
            with server.client() as client:
                _say(client, "c")
                until("a draft", lambda: client.get("/v1/conversations/c").json()["suggestion"], 30)
        # What an older copy of the files, or a point in time before, would look like.
        with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as connection:
            (newest,) = connection.execute("SELECT max(seq) FROM audit").fetchone() or (0,)
            for table in ("audit", "audit_heads"):
                connection.execute(f"DELETE FROM {table} WHERE seq = {newest}")

        for _ in range(2):
            with Kakari(tmp_path / "home", variables) as server:
                server.ready()

    found = [row[0] for row in _rows(database_url, "SELECT found_by FROM restores ORDER BY seq")]
    assert found == ["first start", f"audit row {newest} of default is gone"]
    assert _rows(database_url, "SELECT is_on FROM kill_switches") == [(True,)]


def test_a_backup_overwrites_nothing(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=SecretStr(database_url))
    write_backup(settings, tmp_path / "a.backup")

    with pytest.raises(Exception, match=r"a\.backup: exists already"):
        write_backup(settings, tmp_path / "a.backup")
    with pytest.raises(Exception, match="holds a Kakari already; expected an empty database"):
        put_back(settings, tmp_path / "a.backup")
