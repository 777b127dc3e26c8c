"""Freeze the worker for a minute in the middle of its work, again and again: what it does afterwards is refused."""

import time
from collections.abc import Iterator

from tests.faults.processes import AT_WORK, until
from tests.soak.counting import COUNTED
from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.scene import scene

FREEZES, SECONDS, EVENTS, KNOWN = 3, 60.0, 60, 200
TAKEN_OVER = """
SELECT count(DISTINCT a.id) FROM runs a JOIN runs b USING (pharmacy_id, conversation_id, version)
WHERE a.fence < b.fence AND a.state <> 'proposed' AND b.state = 'proposed'
"""


def measure(run: Run) -> Iterator[Figure]:
    """Freeze it with calls in work, let the server's own worker do what it had begun, and thaw it."""
    freezes, seconds, events = run.scaled(FREEZES), run.scaled(SECONDS, 20), run.scaled(EVENTS, 30)
    with scene(run, latency_seconds=1.0, known=run.scaled(KNOWN, 20)) as here:
        rows = here.pharmacy.postgres.rows
        until("server and worker at work", lambda: rows(AT_WORK)[0][0] >= 2, 60)
        for number in run.rounds(freezes):
            here.load.write(number * events, events, over_seconds=2.0)
            time.sleep(run.draw("freeze", number).uniform(1.5, 2.5))
            here.pharmacy.worker.freeze()
            time.sleep(seconds)
            here.pharmacy.worker.thaw()
            here.remember()
        here.drain()
        taken = rows(TAKEN_OVER)[0][0]
        under = f"a worker frozen {freezes} times for {seconds} s"
        yield Figure("P2", f"runs begun by {under} that another has ended", str(taken), "some", taken > 0)
        yield from here.counted(under)


PART = Part("freeze a worker for a minute in the middle of its work, three times", COUNTED, 5, measure)
