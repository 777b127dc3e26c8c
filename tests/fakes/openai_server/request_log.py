"""What the stand-in was asked, in order: parsed bodies, headers, times, and how each one ended."""

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

HIDDEN = {"authorization"}


@dataclass
class Entry:
    """One request."""

    number: int
    """1 for the first request of all."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    """The parsed JSON body, or None."""

    at: float
    """Seconds of the monotonic clock."""

    status: int | None = None
    """None while no answer was begun, or when the connection was torn down."""

    fault: str | None = None
    left_at: float | None = None
    """When the client went away before its answer was complete; None if it stayed."""

    @property
    def model(self) -> str | None:
        """The model asked for."""
        return self.body.get("model") if isinstance(self.body, Mapping) else None


@dataclass
class RequestLog:
    """All requests so far. Safe to read from another thread."""

    entries: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Entry:
        """Write down one request."""
        shown = {name: value for name, value in headers.items() if name not in HIDDEN}
        with self._lock:
            entry = Entry(len(self.entries) + 1, method, path, shown, body, time.monotonic())
            self.entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.entries.clear()

    def chats(self, model: str | None = None) -> list[Entry]:
        """Return the chat completions asked for, of `model` or of all."""
        with self._lock:
            return [e for e in self.entries if e.path.endswith("/chat/completions") and model in (None, e.model)]

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the log as plain JSON values."""
        with self._lock:
            return [asdict(entry) for entry in self.entries]

    def left_early(self, count: int = 1, within_seconds: float = 1.0) -> bool:
        """Wait until `count` clients have gone away before their answer; False when the time is up first."""
        end = time.monotonic() + within_seconds
        while time.monotonic() < end:
            if sum(entry.left_at is not None for entry in self.chats()) >= count:
                return True
            time.sleep(0.005)
        return False
