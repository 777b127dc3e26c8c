"""A pharmacy of real processes under load, with LINE, a receiver and a provider beside it: what faults strike at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fakes.line_server import LineFake, faults
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import until
from tests.soak.arrivals import arrivals, recall, remember
from tests.soak.automatic import get_to_know, in_other_words, let_out
from tests.soak.counting import counted
from tests.soak.load import Load, mostly_line
from tests.soak.part import OutOfTime, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure
from tests.soak.writing import OverLine

LINE_GOES_WRONG = (
    faults.status(500),
    faults.status(500, accepts=True),
    faults.reset(accepts=True),
    faults.status(429, headers={"Retry-After": "1"}),
)
"""What befalls a push now and then: LINE took it or not, and did not say."""


@dataclass(frozen=True)
class Scene:
    """Everything that a part strikes at, and counts at the end."""

    run: Run
    pharmacy: Pharmacy
    load: Load
    line: LineFake
    receiver: Receiver

    def trouble_line(self) -> None:
        """Let one push of the next ones go wrong."""
        self.line.faults.waiting.append(self.load.draw.choice(LINE_GOES_WRONG))

    def remember(self) -> None:
        """Put what an interrupted run must still know where the run keeps it."""
        self.load.remember(self.run.kept)
        remember(self.run.kept, self.receiver, self.line)

    def drain(self) -> None:
        """Wait until everybody has been heard, answered, and written to.

        Raises:
            OutOfTime: somebody was not; the next start goes on waiting.
        """
        late = None
        with self.run.under_way():
            try:
                until("every event acknowledged", lambda: self._kept() and self.load.all_acked(), 300, every=1)
                until("everything drained", lambda: self._kept() and self.pharmacy.quiet(), 600, every=1)
            except AssertionError as error:
                late = error
        if late is not None:
            raise OutOfTime(f"the end: {late}") from late

    def _kept(self) -> bool:
        """Keep what has come so far: whoever goes on from here must not take it for lost."""
        self.remember()
        self.run.keep()
        return True

    def counted(self, under: str) -> Iterator[Figure]:
        """Give what is counted at the end."""
        came = arrivals(self.receiver, self.line)
        rows = self.pharmacy.postgres.rows_when_up
        yield from counted(rows, self.load.acked, came, self.pharmacy.trail(), under)


@contextmanager
def scene(run: Run, *, latency_seconds: float = 0.0, deliveries: int = 2, known: int = 0) -> Iterator[Scene]:
    """Run it for the block; most patients write over LINE, some over the API.

    Args:
        known: how many patients of LINE the pharmacy knows; their questions are answered automatically.
    """
    with (
        OpenAIFake(latency_seconds=latency_seconds) as provider,
        Receiver("s" * 32) as receiver,
        LineFake() as line,
    ):
        provider.script.rule = in_other_words
        pharmacy = Pharmacy(run.folder / "home", provider, receiver, line=line)
        try:
            run.kept["key"] = key = pharmacy.up(run.kept.get("key"))
            load = Load(pharmacy.server.url, key, run.draw("load"), mostly_line(key), deliveries=deliveries)
            if known:
                load.known = _at_line(load, known)
                get_to_know(pharmacy.postgres, load.known)
                let_out(pharmacy.server)
            load.recall(run.kept)
            recall(run.kept, receiver, line)
            here = Scene(run, pharmacy, load, line, receiver)
            try:
                with load:
                    yield here
            finally:
                pharmacy.down()
                here.remember()
                run.keep()
        finally:
            pharmacy.down()


def _at_line(load: Load, count: int) -> Sequence[str]:
    """Return the names of `count` conversations, more or less, whose patients write over LINE."""
    names = (f"known{number}" for number in range(count))
    return [name for name in names if isinstance(load.way_of(name), OverLine)]
