"""Kill, restart and count for as long as asked, and print one table: `python -m tests.soak [PART] [--seed N]`."""

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg

from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import Kakari, until
from tests.faults.rules import everyday

Row = tuple[str, str, bool]


def killed_server(draw: random.Random, cycles: int) -> list[Row]:
    """Kill a serving process `cycles` times at random moments with messages in work; each must end in one outcome."""
    with tempfile.TemporaryDirectory() as folder, OpenAIFake(latency_seconds=0.3) as provider:
        provider.script.rule = everyday
        home = Path(folder) / "home"
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0.1"}
        acknowledged, starts = 0, []
        for cycle in range(cycles):
            with Kakari(home, variables) as server:
                starts.append(server.ready())
                with server.client() as client:
                    for number in range(draw.randint(5, 50)):
                        text = {"conversation_id": f"c{cycle}-{number}", "text": "葛根湯は食前ですか"}
                        acknowledged += client.post("/v1/messages", json=text).status_code == 202
                time.sleep(draw.uniform(0, 2))
                server.kill()
            print(f"cycle {cycle + 1} of {cycles}: {acknowledged} messages acknowledged", flush=True)
        with Kakari(home, variables) as server:
            starts.append(server.ready())
            counted = until("an outcome for every message", lambda: _outcomes(home), 300)
    doubled = sum(count > 1 for count in counted.values())
    return [
        (
            f"acknowledged messages lost, of {acknowledged} over {cycles} kills",
            str(acknowledged - len(counted)),
            acknowledged == len(counted),
        ),
        ("messages with two outcomes", str(doubled), doubled == 0),
        ("slowest restart", f"{max(starts):.1f} s", max(starts) <= 10),
    ]


PARTS: dict[str, Callable[[random.Random, int], list[Row]]] = {"killed_server": killed_server}


def _outcomes(home: Path) -> Counter[str] | None:
    with psycopg.connect(libpq(read_address(EmbeddedServer(home).url))) as connection:
        (waiting,) = connection.execute(
            "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
        ).fetchone() or (1,)
        rows = connection.execute("SELECT conversation_id FROM outcomes").fetchall()
    return None if waiting else Counter(row[0] for row in rows)


def main() -> int:
    """Run one part or all; 1 when a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="all parts when left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=20)
    chosen = parser.parse_args()
    rows = [
        row
        for name in ([chosen.part] if chosen.part else PARTS)
        for row in PARTS[name](random.Random(chosen.seed), chosen.cycles)
    ]
    for what, figure, held in rows:
        print(f"{'holds' if held else 'BROKEN':<7} {what:<70} {figure}")
    return not all(held for _, _, held in rows)


raise SystemExit(main())
