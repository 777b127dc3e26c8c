"""A server killed at the moments that matter: after a commit and before its answer, and inside each node."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked
from tests.fakes.receiver import Receiver
from tests.faults.processes import Kakari, until
from tests.faults.proxy import Proxy
from tests.faults.rules import everyday

Rows = Callable[[str], list[tuple[Any, ...]]]
NODES = ("Classification", "PhaseSwitch", "WrittenReply", "Judgement")
MOST_CALLS = 12


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what runs a query as the owner."""

    def run(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(libpq(read_address(database_url))) as owner:
            return owner.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]

    return run


@pytest.fixture
def server(database_url: str, tmp_path: Path, provider: OpenAIFake, receiver: Receiver) -> Iterator[Kakari]:
    """Return a serving process, ready."""
    variables = {
        "DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
        "KAKARI_SETTLE_SECONDS": "0", "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": receiver.secret,
    }  # fmt: skip
    with Kakari(tmp_path / "home", variables) as serving:
        serving.ready()
        yield serving


def test_an_event_committed_but_not_acknowledged_is_one_row_when_it_comes_again(server: Kakari, rows: Rows) -> None:
    key = server.key()
    body = {"conversation_id": "c", "message_id": "e1", "text": "葛根湯は食前ですか"}
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.weather.mode = "half_open"
        _call_in_vain(proxy, key, "/v1/messages", body)
        until("the commit", lambda: rows("SELECT 1 FROM inbox"), 20)

        server.kill()

    server.start().ready()
    with server.client(key) as client:
        again = client.post("/v1/messages", json=body, params={"wait": 30})
    assert again.status_code == 200
    assert rows("SELECT count(*) FROM inbox")[0] == (1,)
    assert rows("SELECT count(*) FROM messages WHERE author = 'patient'")[0] == (1,)
    assert rows("SELECT count(*) FROM outcomes")[0] == (1,)


def test_a_text_accepted_but_not_yet_called_sent_is_sent_again_under_its_key(
    server: Kakari, rows: Rows, receiver: Receiver
) -> None:
    key = server.key()
    suggestion = _suggested(server, key)
    killed = threading.Event()
    accepting = receiver.answer

    def accept_and_kill(headers: dict[str, str], raw: bytes) -> int:
        status = accepting(headers, raw)
        if not killed.is_set():
            server.kill()
            killed.set()
        return status

    receiver.answer = accept_and_kill  # type: ignore[method-assign]
    with server.client(key) as client, suppress(httpx2.HTTPError):
        client.post(f"/v1/suggestions/{suggestion}/approve", json={"version": 1})
    assert killed.wait(20)

    server.start().ready()

    until("the text called sent", lambda: rows("SELECT 1 FROM outbox WHERE state = 'sent'"), 30)
    assert len(receiver.taken) == 1
    assert len(receiver.tried) == 2
    assert rows("SELECT count(*) FROM messages WHERE author <> 'patient'")[0] == (1,)


def test_an_approval_committed_but_not_answered_sends_once_when_it_is_repeated(
    server: Kakari, rows: Rows, receiver: Receiver
) -> None:
    key = server.key()
    suggestion = _suggested(server, key)
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.weather.mode = "half_open"
        _call_in_vain(proxy, key, f"/v1/suggestions/{suggestion}/approve", {"version": 1})
        until("the commit", lambda: rows("SELECT 1 FROM outbox"), 20)

        server.kill()

    server.start().ready()
    with server.client(key) as client:
        again = client.post(f"/v1/suggestions/{suggestion}/approve", json={"version": 1})
    until("the text called sent", lambda: rows("SELECT 1 FROM outbox WHERE state = 'sent'"), 30)
    assert again.status_code == 409
    assert len(receiver.taken) == 1
    assert rows("SELECT count(*) FROM outbox")[0] == (1,)


def test_a_message_whose_server_dies_inside_each_node_in_turn_has_one_outcome(
    server: Kakari, rows: Rows, provider: OpenAIFake
) -> None:
    key = server.key()
    asked: Counter[str] = Counter()
    deadly: list[str] = []
    dead = threading.Event()

    def rule(question: Asked) -> Any:
        node = question.schema_name if question.schema_name in NODES else "Judgement"
        asked[node] += 1
        if deadly and node == deadly[0]:
            deadly.pop()
            server.kill()
            dead.set()
        return everyday(question)

    provider.script.rule = rule
    for number, node in enumerate(NODES):
        asked.clear()
        dead.clear()
        deadly.append(node)
        with server.client(key) as client:
            body = {"conversation_id": f"c{number}", "message_id": f"e{number}", "text": "葛根湯は食前ですか"}
            with suppress(httpx2.HTTPError):
                client.post("/v1/messages", json=body)
        assert dead.wait(20), node

        server.start().ready()

        until(f"an outcome after {node}", lambda: not rows("SELECT 1 FROM messages WHERE outcome_id IS NULL"), 30)
        assert sum(asked.values()) <= MOST_CALLS
    assert rows("SELECT conversation_id, count(*) FROM outcomes GROUP BY 1 ORDER BY 1") == [
        (f"c{number}", 1) for number in range(len(NODES))
    ]


def _suggested(server: Kakari, key: str) -> str:
    body = {"conversation_id": "c", "text": "葛根湯は食前ですか"}
    with server.client(key) as client:
        outcome = client.post("/v1/messages", json=body, params={"wait": 30}).json()
    assert outcome["outcome"] == "suggestion"
    return str(outcome["suggestion_id"])


def _call_in_vain(proxy: Proxy, key: str, path: str, body: dict[str, Any]) -> None:
    """Make a call whose answer never arrives, and do not wait for it."""

    def call() -> None:
        headers = {"Authorization": f"Bearer {key}"}
        with suppress(httpx2.HTTPError):
            httpx2.post(f"{proxy.url}{path}", json=body, headers=headers, timeout=30)

    threading.Thread(target=call, daemon=True).start()
