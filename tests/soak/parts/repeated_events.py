"""A thousand events, each delivered one to five times, shuffled and ten at once: one message each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.soak.counting import COUNTED
from tests.soak.load import Load
from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.scene import scene
from tests.soak.writing import Event, Writing

EVENTS, AT_ONCE = 1_000, 10
OF_A_PATIENT = 3
COUNTS = """
SELECT (SELECT count(*) FROM inbox WHERE event_id = ANY(%s)),
       (SELECT count(*) FROM messages WHERE id = ANY(%s)),
       (SELECT count(*) FROM runs WHERE conversation_id IN
            (SELECT conversation_id FROM messages WHERE id = ANY(%s)))
"""


def measure(run: Run) -> Iterator[Figure]:
    """Deliver, wait until all is answered, and count rows, runs and what was sent."""
    events = run.scaled(EVENTS, 20)
    with scene(run) as here:
        ids = _deliver(run, here.load, events)
        here.drain()
        rows = here.pharmacy.postgres.rows
        inbox, messages, runs = rows(COUNTS, ids, ids, ids)[0]
        yield Figure(
            "P3", "rows and runs for events delivered 1 to 5 times", f"{messages:,} rows, {runs:,} runs of {events:,}",
            "as many rows, at most as many runs", (inbox, messages) == (events, events) and runs <= events,
        )  # fmt: skip
        yield from here.counted("events delivered 1 to 5 times")


def _deliver(run: Run, load: Load, count: int) -> list[str]:
    """Return the ids of what was delivered."""
    draw = run.draw("deliveries")
    made = [_event(run, load, number) for number in range(count)]
    deliveries = [(*each, time > 0) for each in made for time in range(draw.randint(1, 5))]
    draw.shuffle(deliveries)
    done = 0

    def deliver(delivery: tuple[Writing, Event, bool]) -> None:
        nonlocal done
        way, event, repeated = delivery
        load.deliver(client, way, [event], repeated=repeated)
        done += 1
        run.progress.update(run.bar, completed=done, total=len(deliveries))

    with httpx2.Client(base_url=load.url) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(deliver, deliveries))
    return [event.id for _, event in made]


def _event(run: Run, load: Load, number: int) -> tuple[Writing, Event]:
    conversation = f"{run.token}c{number // OF_A_PATIENT}"
    way = load.way_of(conversation)
    return way, way.event(f"{run.token}e{number}", conversation, f"葛根湯は食前ですか {number}")


PART = Part("deliver each of a thousand events up to five times", COUNTED, 4, measure)
