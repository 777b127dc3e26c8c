"""LangSmith as its client sees it: /info and multipart ingest, plain or zstd; it can refuse, stall and be away."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import zstandard

from tests.fakes.langsmith_server.parts import Unreadable, faults_of, read_runs

KEY = "lsv2_test"
INFO = {
    "version": "0.16.20",
    "instance_flags": {"zstd_compression_enabled": True, "dataset_examples_multipart_enabled": True},
    "batch_ingest_config": {"use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20_971_520},
}


@dataclass
class LangSmithFake:
    """Takes traces on loopback."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Every run that was taken, by its id."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request, in order."""

    bodies: list[bytes] = field(default_factory=list)
    """Every body and every header line as they came, decompressed: where a test looks for what must not be there."""

    problems: list[str] = field(default_factory=list)
    """What LangSmith would have refused; a test ends with none."""

    status: int = 202
    delay_seconds: float = 0.0

    def __enter__(self) -> Self:
        """Start on a free port."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                time.sleep(fake.delay_seconds)
                self._answer(*fake.answer(self.path, dict(self.headers), body))

            def do_GET(self) -> None:
                fake.asked.append(("GET", self.path))
                self._answer(200 if self.path == "/info" else 404, INFO)

            def _answer(self, status: int, value: Any) -> None:
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Return the answer to a POST."""
        self.asked.append(("POST", path))
        given = {name.lower(): value for name, value in headers.items()}
        if given.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        self.bodies += [body, json.dumps(headers).encode()]
        if self.status >= 400:
            return self.status, {"detail": "told to"}
        if path != "/runs/multipart":
            return self._refuse(404, f"POST {path}")
        if given.get("x-api-key") != KEY:
            return self._refuse(401, f"x-api-key {given.get('x-api-key')!r}")
        return self._take(given.get("content-type", ""), body)

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
        return plain + json.dumps([*self.runs.values()], ensure_ascii=False)

    def has(self, traces: int, within_seconds: float = 10.0) -> bool:
        """Wait until so many traces are there; False when the time is up first."""
        end = time.monotonic() + within_seconds
        while len(self.roots()) < traces and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.roots()) >= traces

    def _take(self, content_type: str, body: bytes) -> tuple[int, Any]:
        try:
            runs = read_runs(content_type, body)
        except Unreadable as error:
            return self._refuse(422, str(error))
        for run_id, run in runs.items():
            if faults := faults_of(run):
                return self._refuse(422, f"run {run_id}: {faults}")
        self.runs |= runs
        return 202, {"message": "Runs batch ingested"}

    def _refuse(self, status: int, why: str) -> tuple[int, Any]:
        self.problems.append(why)
        return status, {"detail": why}
