"""Ten minutes of load while somebody's transaction stands open: deleted rows keep their space, within bounds."""

import time
from collections.abc import Iterator

from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.postgres import lock_held
from tests.faults.rules import everyday
from tests.soak.load import Load
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

SECONDS, PER_SECOND = 600, 10
MOST_MEGABYTES = 256
SIZE = "SELECT pg_total_relation_size('inbox') + pg_total_relation_size('procrastinate_jobs')"


def measure(run: Run) -> Iterator[Figure]:
    """Hold a snapshot open, load, and look at the tables and at the log."""
    seconds = run.scaled(SECONDS, 5)
    with OpenAIFake() as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver)
        try:
            key = pharmacy.serve()
            with (
                lock_held(EmbeddedServer(pharmacy.server.home).url, "SELECT count(*) FROM inbox"),
                Load(pharmacy.server.url, key, run.draw("load")) as load,
            ):
                for second in range(seconds):
                    load.write(second * PER_SECOND, PER_SECOND, over_seconds=1.0)
                    time.sleep(1)
                    run.progress.update(run.bar, completed=second + 1, total=seconds)
                megabytes = pharmacy.postgres.rows(SIZE)[0][0] / 1e6
                acked = len(load.acked)
            named = "transaction_open_long" in pharmacy.server.log.read_text(encoding="utf-8", errors="replace")
        finally:
            pharmacy.down()
    told = f"{megabytes:.0f} MB after {acked:,} events; {'named' if named else 'not named'} in the log"
    holds = megabytes <= MOST_MEGABYTES and (named or seconds < 120)
    yield Figure("P11", f"inbox and jobs beside a transaction open for {seconds} s", told, "256 MB, named", holds)


PART = Part("ten minutes of load beside an open transaction", ("P11",), 11, measure)
