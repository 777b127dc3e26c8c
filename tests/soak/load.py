"""Patients who write until they are acknowledged, and a pharmacist who approves what is drafted for them."""

import random
import threading
import time
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from typing import Any, Self

import httpx2

from tests.fakes.receiver import Receiver

WORDS = ("葛根湯は食前ですか", "葛根湯は水で飲みますか", "葛根湯を飲み忘れたときはどうしますか")


@dataclass
class Acked:
    """One event that was acknowledged."""

    conversation: str
    seconds: float
    """From the first byte of the request that was acknowledged to its answer."""

    version: int


@dataclass
class Load:
    """Work for a pharmacy that may be killed at any time; only what was acknowledged counts."""

    url: str
    key: str
    draw: random.Random
    acked: dict[str, Acked] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    """Status to how often an event was answered with it instead."""

    approved: int = 0
    approving: bool = True
    deliveries: int = 1
    """How often each event is delivered at most, the first time included."""

    def __enter__(self) -> Self:
        """Start the pharmacist."""
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._start(self._approve)
        return self

    def __exit__(self, *_: object) -> None:
        """Send everybody home; events not yet acknowledged never were."""
        self._ended.set()
        for thread in self._threads:
            thread.join(20)

    def write(self, first: int, count: int, over_seconds: float, patients: int = 8) -> None:
        """Have `count` new events written within `over_seconds`; a fifth follow another one of their conversation."""
        plan: list[list[tuple[float, str, str]]] = [[] for _ in range(patients)]
        moments = sorted(self.draw.uniform(0, over_seconds) for _ in range(count))
        conversation = ""
        for number, moment in enumerate(moments, first):
            if not conversation or self.draw.random() > 0.2:
                conversation = f"c{number}"
            plan[int(conversation[1:]) % patients].append((moment, f"e{number}", conversation))
        started = time.monotonic()
        for events in plan:
            self._start(lambda events=events: self._patient(events, started, random.Random(self.draw.random())))

    def all_acked(self) -> bool:
        """Return whether every patient has been heard."""
        return not any(thread.is_alive() for thread in self._threads[1:])

    def remember(self, kept: dict[str, Any], receiver: Receiver) -> None:
        """Keep what an interrupted run must still know."""
        with self._lock:
            kept["acked"] = {event: astuple(acked) for event, acked in self.acked.items()}
        kept["accepted"] = {key: receiver.first_tried[key] for key in receiver.taken}

    def recall(self, kept: dict[str, Any], receiver: Receiver) -> None:
        """Take up what an interrupted run had kept."""
        self.acked = {event: Acked(*row) for event, row in kept.get("acked", {}).items()}
        receiver.first_tried = dict(kept.get("accepted", {}))
        receiver.taken = {key: {} for key in receiver.first_tried}

    def _start(self, work: Any) -> None:
        self._threads = self._threads[:1] + [thread for thread in self._threads[1:] if thread.is_alive()]
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _patient(self, events: list[tuple[float, str, str]], started: float, draw: random.Random) -> None:
        with self._client(5) as client:
            for moment, event, conversation in events:
                self._ended.wait(max(0.0, started + moment - time.monotonic()))
                for _ in range(draw.randint(1, self.deliveries)):
                    self._deliver(client, event, conversation, draw)

    def _deliver(self, client: httpx2.Client, event: str, conversation: str, draw: random.Random) -> None:
        """Deliver an event again and again until it is acknowledged, as LINE does."""
        text = WORDS[int(event[1:]) % len(WORDS)]
        body = {"conversation_id": conversation, "message_id": event, "text": text}
        while not self._ended.is_set():
            began = time.monotonic()
            with suppress(httpx2.HTTPError):
                answer = client.post("/v1/messages", json=body)
                if answer.status_code == 202:
                    with self._lock:
                        took = time.monotonic() - began
                        self.acked.setdefault(event, Acked(conversation, took, answer.json()["version"]))
                    return
                with self._lock:
                    self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
            self._ended.wait(draw.uniform(0.05, 0.3))

    def _approve(self) -> None:
        with self._client(5) as client:
            while not self._ended.wait(0.2):
                with suppress(httpx2.HTTPError):
                    found = client.get("/v1/suggestions", params={"limit": 100})
                    for item in found.json()["items"] if found.status_code == 200 and self.approving else ():
                        decided = client.post(
                            f"/v1/suggestions/{item['id']}/approve", json={"version": item["version"]}
                        )
                        self.approved += decided.status_code == 200

    def _client(self, timeout: float) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=timeout)
