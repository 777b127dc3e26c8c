"""Patients who write until they are acknowledged, and a pharmacist who approves what is drafted for them."""

import queue
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import httpx2

from tests.soak.writing import Event, OverApi, OverLine, Writing, words_of

FOLLOWING_SHARE = 0.2
"""So many events come from a patient who has just written: what is drafted then is out of date."""

KNOWN_SHARE = 0.4
"""So many others come from patients whom the pharmacy knows, where there are any."""

Due = tuple[float, int, Event]
"""When an event is written, its number, and the event."""


@dataclass
class Load:
    """Work for a pharmacy that may be killed at any time; only what was acknowledged counts."""

    url: str
    key: str
    draw: random.Random
    ways: Sequence[Writing] = ()
    """The way that each group of patients writes over; eight groups over the API when left out."""

    known: Sequence[str] = ()
    """Conversations that the pharmacy has led before."""

    deliveries: int = 1
    """How often each event is delivered at most, the first time included."""

    acked: dict[str, float] = field(default_factory=dict)
    """Event to the seconds from the first byte of the request that was acknowledged to its answer."""

    refused: dict[int, int] = field(default_factory=dict)
    """Status to how often a request was answered with it instead."""

    approved: int = 0
    approving: bool = True

    def __post_init__(self) -> None:
        self.ways = self.ways or (OverApi(self.key),) * 8
        self._turn = 0

    def __enter__(self) -> Self:
        """Start the pharmacist and the patients."""
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._due: list[queue.PriorityQueue[Due]] = [queue.PriorityQueue() for _ in self.ways]
        work: list[Callable[[], None]] = [self._approve]
        work += [partial(self._patients, group) for group in range(len(self.ways))]
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Send everybody home; events not yet acknowledged never were."""
        self._ended.set()
        for thread in self._threads:
            thread.join(20)

    def write(self, first: int, count: int, over_seconds: float) -> None:
        """Have `count` new events written within `over_seconds`."""
        lately: list[str] = []
        started = time.monotonic()
        for number in range(first, first + count):
            follows = bool(lately) and self.draw.random() < FOLLOWING_SHARE
            lately.append(self.draw.choice(lately) if follows else self._somebody(number))
            group = self._group(lately[-1])
            event = self.ways[group].event(f"e{number}", lately[-1], words_of(number))
            self._due[group].put((started + self.draw.uniform(0, over_seconds), number, event))

    def way_of(self, conversation: str) -> Writing:
        """Return the way that the conversation's patient writes over."""
        return self.ways[self._group(conversation)]

    def deliver(self, client: httpx2.Client, way: Writing, events: Sequence[Event], *, repeated: bool = False) -> None:
        """Deliver events again and again until they are acknowledged, as LINE does."""
        while not self._ended.is_set():
            path, request = way.post(events, repeated=repeated)
            began = time.monotonic()
            with suppress(httpx2.HTTPError):
                answer = client.post(path, timeout=way.patience_seconds, **request)
                with self._lock:
                    if answer.status_code == way.taken:
                        took = time.monotonic() - began
                        self.acked |= {event.id: took for event in events if event.id not in self.acked}
                        return
                    self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
            repeated = True
            self._ended.wait(random.uniform(0.05, 0.3))

    def all_acked(self) -> bool:
        """Return whether every patient has been heard."""
        return all(due.unfinished_tasks == 0 for due in self._due)

    def remember(self, kept: dict[str, Any]) -> None:
        """Keep what an interrupted run must still know."""
        with self._lock:
            kept["acked"] = dict(self.acked)

    def recall(self, kept: dict[str, Any]) -> None:
        """Take up what an interrupted run had kept."""
        self.acked = dict(kept.get("acked", {}))

    def _somebody(self, number: int) -> str:
        if not self.known or self.draw.random() > KNOWN_SHARE:
            return f"c{number}"
        self._turn += 1  # in turn: a patient is answered automatically so many times an hour and no more
        return self.known[self._turn % len(self.known)]

    def _group(self, conversation: str) -> int:
        return zlib.crc32(conversation.encode()) % len(self.ways)

    def _patients(self, group: int) -> None:
        """Deliver what is due, one request after the other; what has piled up goes together."""
        way, due, draw = self.ways[group], self._due[group], random.Random(group)
        with httpx2.Client(base_url=self.url) as client:
            while not self._ended.is_set():
                together = [event for _, _, event in self._taken(due, way.most_together)]
                for delivery in range(draw.randint(1, self.deliveries) if together else 0):
                    self.deliver(client, way, together, repeated=delivery > 0)
                for _ in together:
                    due.task_done()

    def _taken(self, due: "queue.PriorityQueue[Due]", most: int) -> Iterator[Due]:
        """Yield what is due now, `most` at most; wait a moment where nothing is."""
        for _ in range(most):
            if due.empty() or due.queue[0][0] > time.monotonic():  # nobody else takes from it
                break
            yield due.get()
        else:
            return
        self._ended.wait(0.02)

    def _approve(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx2.Client(base_url=self.url, headers=headers, timeout=5) as client:
            while not self._ended.wait(0.2):
                with suppress(httpx2.HTTPError):
                    found = client.get("/v1/suggestions", params={"limit": 100})
                    for item in found.json()["items"] if found.status_code == 200 and self.approving else ():
                        decided = client.post(
                            f"/v1/suggestions/{item['id']}/approve", json={"version": item["version"]}
                        )
                        self.approved += decided.status_code == 200


def mostly_line(key: str) -> tuple[Writing, ...]:
    """Return the ways of eight groups of patients: six write over LINE, two over the API."""
    return (*(OverLine(),) * 6, *(OverApi(key),) * 2)
