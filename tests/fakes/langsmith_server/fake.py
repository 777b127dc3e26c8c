"""LangSmith as its client sees it, over loopback HTTP: plain or zstd; it can refuse, stall and be away."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import zstandard

from tests.fakes.langsmith_server.asked import Asked, Refused
from tests.fakes.langsmith_server.routes import INFO, Platform, as_json

KEY = "lsv2_test"


@dataclass
class Fault:
    """What happens to the next requests that fit."""

    part: str
    """What the method and path hold, such as `POST /feedback`."""

    status: int = 0
    """What is answered; 0 leaves the answer as it is."""

    delay_seconds: float = 0.0
    times: int = 1
    taken: bool = False
    """True: the request is done all the same, and only its answer is lost."""


@dataclass
class LangSmithFake:
    """Takes traces, feedback, annotation queues and datasets on loopback."""

    platform: Platform = field(default_factory=Platform)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request, in order."""

    bodies: list[bytes] = field(default_factory=list)
    """Every body, query and header line as they came, decompressed: where a test looks for what must not be there."""

    problems: list[str] = field(default_factory=list)
    """What LangSmith would have refused; a test ends with none."""

    faults: list[Fault] = field(default_factory=list)
    status: int = 202
    delay_seconds: float = 0.0

    def __enter__(self) -> Self:
        """Start on a free port."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, value = fake.answer(self.command, self.path, dict(self.headers), body)
                content = as_json(value)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 (the base class looks the names up)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's)
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of clients that went away."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        self.stop()

    def stop(self) -> None:
        """Close the port, and be away from then on."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def runs(self) -> dict[str, dict[str, Any]]:
        """Every run that was taken, by its id."""
        return self.platform.runs

    def answer(self, method: str, address: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Return the answer to a request, later or otherwise than usual where a fault fits."""
        path, query = urlsplit(address).path, urlsplit(address).query
        self.asked.append((method, path))
        given = {name.lower(): value for name, value in headers.items()}
        if given.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        self.bodies += [body, address.encode(), json.dumps(headers).encode()]
        fault = self._fault(f"{method} {path}")
        time.sleep(fault.delay_seconds or (self.delay_seconds if method == "POST" else 0.0))
        if self.status >= 400 and path != "/info":
            return self.status, {"detail": "told to"}
        if fault.status and not fault.taken:
            return fault.status, {"detail": "told to"}
        answer = self._answered(Asked(method, path, parse_qs(query), given, body))
        return (fault.status, {"detail": "told to"}) if fault.status else answer

    def roots(self) -> list[dict[str, Any]]:
        """Return the traces' own runs."""
        return [run for run in self.runs.values() if not run.get("parent_run_id")]

    def under(self, root: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the runs of a trace below its own, in the order of their begin."""
        mine = [run for run in self.runs.values() if run["trace_id"] == root["id"] and run["id"] != root["id"]]
        return sorted(mine, key=lambda run: str(run["dotted_order"]))

    def everything(self) -> str:
        """Return all that ever came, as text, also as it reads once its JSON is unescaped."""
        plain = b"\n".join(self.bodies).decode("utf-8", "replace")
        platform = self.platform
        datasets = [each.examples for each in platform.datasets.kept.values()]
        read = [*self.runs.values(), platform.feedback.taken, platform.queues.queues, platform.queues.items, datasets]
        return plain + json.dumps(read, ensure_ascii=False, default=str)

    def has(self, traces: int, within_seconds: float = 10.0) -> bool:
        """Wait until so many traces are there; False when the time is up first."""
        end = time.monotonic() + within_seconds
        while len(self.roots()) < traces and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.roots()) >= traces

    def _fault(self, named: str) -> Fault:
        for fault in self.faults:
            if fault.times > 0 and fault.part in named:
                fault.times -= 1
                return fault
        return Fault("")

    def _answered(self, asked: Asked) -> tuple[int, Any]:
        if (asked.method, asked.path) == ("GET", "/info"):
            return 200, INFO
        try:
            if asked.headers.get("x-api-key") != KEY:
                raise Refused(401, f"x-api-key {asked.headers.get('x-api-key')!r}")
            return self.platform.answer(asked)
        except Refused as refused:
            if not refused.expected:
                self.problems.append(f"{refused.status} {refused}")
            return refused.status, {"detail": str(refused)}
