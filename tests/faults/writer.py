"""A patient who writes to a server without a pause, and knows what was acknowledged."""

import threading
import time
from collections import Counter
from contextlib import suppress

import httpx2

from tests.faults.processes import Kakari


class Writer(threading.Thread):
    """A patient who writes without a pause, and remembers what was acknowledged and when."""

    def __init__(self, server: Kakari) -> None:
        super().__init__(daemon=True)
        self.server, self.key = server, server.key()
        self.acked: dict[str, float] = {}
        self.statuses: Counter[int] = Counter()
        self.odd: list[str] = []
        """What was answered that is neither 202 nor 503."""

        self._ended = threading.Event()

    @property
    def refused(self) -> int:
        """How many messages were put off."""
        return self.statuses[503]

    def run(self) -> None:
        """Write until told to end."""
        number = 0
        with self.server.client(self.key, timeout=10) as client:
            while not self._ended.wait(0.02):
                number += 1
                body = {"conversation_id": f"c{number}", "message_id": f"e{number}", "text": "葛根湯は食前ですか"}
                with suppress(httpx2.HTTPError):
                    answer = client.post("/v1/messages", json=body)
                    self.statuses[answer.status_code] += 1
                    if answer.status_code == 202:
                        self.acked[f"e{number}"] = time.monotonic()
                    elif answer.status_code != 503:
                        self.odd.append(f"{answer.status_code} at {time.time():.3f}: {answer.text}")

    def end(self) -> None:
        """Write no more."""
        self._ended.set()
        self.join(20)
