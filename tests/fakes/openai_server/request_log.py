"""What the stand-in was asked, in order: parsed bodies, headers, times, and how each one ended."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.openai_server.http import Request

HIDDEN = {"authorization", "api-key"}


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

    client_port: int
    """One per connection."""

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

    def add(self, request: Request, body: Any) -> Entry:
        """Write down one request, whose parsed body is `body`."""
        shown = {name: value for name, value in request.headers.items() if name not in HIDDEN}
        with self._lock:
            number = len(self.entries) + 1
            entry = Entry(number, request.method, request.path, shown, body, time.monotonic(), request.client_port)
            self.entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.entries.clear()

    def chats(self, model: str | None = None) -> list[Entry]:
        """Return the chat completions asked for, of `model` or of all."""
        with self._lock:
            return [e for e in self.entries if _is_chat(e) and model in (None, e.model)]

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the log as plain JSON values."""
        with self._lock:
            return [asdict(entry) for entry in self.entries]

    def left_early(self, count: int = 1, within_seconds: float = 1.0) -> bool:
        """Wait until `count` clients have gone away before their answer; False when the time is up first."""
        return _comes_true(lambda: sum(e.left_at is not None for e in self.chats()) >= count, within_seconds)

    def asked(self, count: int = 1, within_seconds: float = 10.0) -> bool:
        """Wait until `count` chat completions have been asked for; False when the time is up first."""
        return _comes_true(lambda: len(self.chats()) >= count, within_seconds)


def _is_chat(entry: Entry) -> bool:
    return entry.method == "POST" and entry.path.endswith("/chat/completions")


def _comes_true(told: Callable[[], bool], within_seconds: float) -> bool:
    end = time.monotonic() + within_seconds
    while not told():
        if time.monotonic() >= end:
            return False
        time.sleep(0.005)
    return True
