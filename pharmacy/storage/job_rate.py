"""How fast jobs of a queue are made, by whichever process: told by the database as they are."""

import time
from collections import deque
from dataclasses import dataclass, field

REMEMBERED = 100


@dataclass(frozen=True)
class JobRate:
    """The newest announcements of each queue, up to `REMEMBERED`."""

    times: dict[str, deque[float]] = field(default_factory=dict)

    def announced(self, queue: str) -> None:
        """Note that a job was made."""
        self.times.setdefault(queue, deque(maxlen=REMEMBERED)).append(time.monotonic())

    def lately(self, queue: str, seconds: float) -> int:
        """Return how many jobs were made within the last `seconds`."""
        since = time.monotonic() - seconds
        return sum(at >= since for at in self.times.get(queue, ()))
