"""A strict receiver of delivered replies: checks every signature, drops repeats by their key, and fails on request."""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from uuid import UUID

FIELDS = {"retry_key", "conversation_id", "patient_id", "text", "author"}


@dataclass
class Receiver:
    """Takes deliveries on loopback as a pharmacy's own system would."""

    secret: str
    statuses: list[int] = field(default_factory=list)
    """What the next deliveries are answered, one each; then 200, and 409 for a key taken before."""

    fields: frozenset[str] = frozenset(FIELDS)
    """The keys that a body must have."""

    retry_after: str | None = None
    """What a refusal asks for."""

    tried: list[str] = field(default_factory=list)
    """The retry key of each delivery, in order."""

    first_tried: dict[str, float] = field(default_factory=dict)
    """Retry key to when it first came, in seconds since 1970."""

    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Retry key to the body that was accepted under it."""

    problems: list[str] = field(default_factory=list)
    """What was wrong with deliveries; a test ends with none."""

    def __enter__(self) -> Self:
        """Start on a free port."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answer(dict(self.headers), raw)
                self.send_response(status)
                if receiver.retry_after is not None and status >= 400:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's)
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where deliveries go."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/replies"

    def answer(self, headers: dict[str, str], raw: bytes) -> int:
        """Return the status for one delivery."""
        key = headers.get("X-Kakari-Retry-Key", "")
        self.tried.append(key)
        self.first_tried.setdefault(key, time.time())
        self._check(headers, raw, key)
        status = self.statuses.pop(0) if self.statuses else 409 if key in self.taken else 200
        if 200 <= status < 300:
            self.taken[key] = json.loads(raw)
        return status

    def _check(self, headers: dict[str, str], raw: bytes, key: str) -> None:
        signature = "sha256=" + hmac.new(self.secret.encode(), raw, hashlib.sha256).hexdigest()
        body = json.loads(raw)
        for fits, problem in (
            (headers.get("X-Kakari-Signature") == signature, "signature does not fit the body"),
            (headers.get("Content-Type") == "application/json", "not application/json"),
            (str(UUID(key)) == key, "retry key is no UUID"),
            (set(body) == self.fields, f"fields {sorted(body)}"),
            (body.get("retry_key", body.get("alarm_id")) == key, "retry key differs between header and body"),
        ):
            if not fits:
                self.problems.append(problem)
