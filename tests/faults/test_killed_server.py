"""A server that is killed in the middle of its work loses nothing and answers nothing twice."""

from collections import Counter
from pathlib import Path

import psycopg

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import Kakari, until
from tests.faults.rules import everyday

MESSAGES = 50


def test_every_message_has_exactly_one_outcome_after_the_server_was_killed_at_work(
    database_url: str, tmp_path: Path
) -> None:
    with OpenAIFake(latency_seconds=0.4) as provider:
        provider.script.rule = everyday
        with Kakari(tmp_path / "home", _variables(database_url, provider)) as server:
            server.ready()
            with server.client() as client:
                for number in range(MESSAGES):
                    message = {"conversation_id": f"c{number}", "text": "葛根湯は食前ですか"}
                    assert client.post("/v1/messages", json=message).status_code == 202
            until("calls in work", lambda: len(provider.log.chats()) >= 20, 20)

            server.kill()

        with server:
            server.ready()
            outcomes = until("an outcome for every message", lambda: _outcomes(database_url), 60)
    assert outcomes == {f"c{number}": 1 for number in range(MESSAGES)}


def _variables(database_url: str, provider: OpenAIFake) -> dict[str, str]:
    settle = {"KAKARI_SETTLE_SECONDS": "0.1"}
    return {"DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k"} | settle


def _outcomes(database_url: str) -> Counter[str] | None:
    """Return how many outcomes each conversation has, once no message is without one."""
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        (waiting,) = connection.execute(
            "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
        ).fetchone() or (1,)
        if waiting:
            return None
        return Counter(row[0] for row in connection.execute("SELECT conversation_id FROM outcomes"))
