"""Run inside a network namespace of its own: a pharmacy whose loopback goes down for three seconds and comes back."""

import subprocess
import sys
import time
from pathlib import Path

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari, until
from tests.faults.rules import everyday

MESSAGES = 20


def main(folder: Path) -> None:
    """Take messages, cut the network while they are in work, and see every one of them through."""
    _loopback("up")
    with OpenAIFake(latency_seconds=0.5) as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0"}
        with Kakari(folder / "home", variables) as server:
            server.ready()
            with server.client() as client:
                for number in range(MESSAGES):
                    body = {"conversation_id": f"c{number}", "text": "葛根湯は食前ですか"}
                    assert client.post("/v1/messages", json=body).status_code == 202
            _loopback("down")
            time.sleep(3)
            _loopback("up")
            rows = Postgres(server.home).rows
            waiting = "SELECT count(*) FROM messages WHERE outcome_id IS NULL"
            until("every outcome", lambda: rows(waiting)[0][0] == 0, 60)
            print(f"outcomes {rows('SELECT count(*) FROM outcomes')[0][0]}, sent {len(receiver.taken)}")


def _loopback(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
