"""Kill a serving process at random moments with messages in work; each acknowledged one must end in one outcome."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg

from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import Kakari, until
from tests.faults.rules import everyday
from tests.soak.part import Part, Run
from tests.soak.promises import Figure


def measure(run: Run) -> Iterator[Figure]:
    """Kill, restart and count."""
    with OpenAIFake(latency_seconds=0.3) as provider:
        provider.script.rule = everyday
        home = run.folder / "home"
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0.1"}
        for cycle in run.rounds(run.scaled(200)):
            draw = run.draw("cycle", cycle)
            with Kakari(home, variables) as server:
                server.ready()
                with server.client() as client:
                    for number in range(draw.randint(20, 80)):
                        text = {"conversation_id": f"c{cycle}-{number}", "text": "葛根湯は食前ですか"}
                        taken = client.post("/v1/messages", json=text).status_code == 202
                        run.kept["acknowledged"] = run.kept.get("acknowledged", 0) + taken
                time.sleep(draw.uniform(0, 2))
                server.kill()
        with Kakari(home, variables) as server:
            server.ready()
            counted = until("an outcome for every message", lambda: _outcomes(home), 300)
    acknowledged = run.kept["acknowledged"]
    lost = acknowledged - len(counted)
    yield Figure("P1", "acknowledged messages lost", f"{lost} of {acknowledged:,}", "0", lost == 0)
    doubled = sum(count > 1 for count in counted.values())
    yield Figure("P3", "messages with two outcomes", str(doubled), "0", doubled == 0)


def _outcomes(home: Path) -> Counter[str] | None:
    with psycopg.connect(libpq(read_address(EmbeddedServer(home).url))) as connection:
        (waiting,) = connection.execute(
            "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
        ).fetchone() or (1,)
        rows = connection.execute("SELECT conversation_id FROM outcomes").fetchall()
    return None if waiting else Counter(row[0] for row in rows)


PART = Part("SIGKILL the server at random moments under load", ("P1", "P3"), 20, measure)
