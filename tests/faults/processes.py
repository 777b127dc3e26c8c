"""Real Kakari processes for fault tests: started as a user starts them, and killed as a machine kills them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
AT_WORK = "SELECT count(*) / 7 FROM procrastinate_workers"
"""How many processes work on jobs: each registers once for each of its queues; see `server/worker/run.py`."""


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, holds: Callable[[], Any], seconds: float, every: float = 0.05) -> Any:
    """Return what `holds` returns as soon as it is true; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(every)
    raise AssertionError(f"within {seconds} s expected: {what}")


@dataclass
class Kakari:
    """One `kakari` process with its own environment; output goes to a file beside its home."""

    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("serve",)
    port: int = field(default_factory=free_port)
    wrapper: tuple[str, ...] = ()
    """What it is started through: `prlimit --nofile=64`."""

    log_folder: Path | None = None
    """Where its output goes; beside its home when left out."""

    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables it is started with; nothing of the tester's own leaks in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KAKARI_", "OPENAI_", "LANGSMITH_"))
        }
        kept.pop("DATABASE_URL", None)
        return kept | {"KAKARI_HOME": str(self.home), "PORT": str(self.port)} | dict(self.variables)

    def start(self) -> Self:
        """Start it, without waiting."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [*self.wrapper, sys.executable, "-m", "cli", *self.command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=CHECKOUT, env=self.environment, stdout=log, stderr=log)
        return self

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return (self.log_folder or self.home.parent) / f"{self.home.name}-{self.command[0]}-{self.port}.log"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def ready(self) -> float:
        """Return the seconds until `/readyz` said yes."""
        started = time.monotonic()
        until("a ready server", self._is_ready, START_SECONDS)
        return time.monotonic() - started

    def kill(self) -> None:
        """SIGKILL: no cleaning up, no goodbye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it stands still, holding all it holds."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def run(self, *command: str, seconds: float = 60, well: Container[int] = (0,)) -> str:
        """Return what another command prints on the same home, when its exit status is one of `well`."""
        ran = subprocess.run(
            [sys.executable, "-m", "cli", *command],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert ran.returncode in well, ran.stderr
        return ran.stdout

    def key(self) -> str:
        """Return a fresh API key."""
        name = f"test-{time.monotonic_ns()}"
        return str(json.loads(self.run("keys", "create", "--name", name, "--json"))["key"])

    def client(self, key: str | None = None, timeout: float = 70) -> httpx2.Client:
        """Return a client with `key`, or a fresh one."""
        headers = {"Authorization": f"Bearer {key or self.key()}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if failure is not None:  # pytest shows what was printed beside the failure
            print(*map(_last_lines, (self.log, self.home / "postgres" / "log")), sep="\n")

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (
            f"{self.command} ended with {self.process.returncode}; see its log beside {self.home}"
        )
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False


def _last_lines(of: Path) -> str:
    lines = of.read_text(errors="replace").splitlines()[-60:] if of.exists() else []
    return "\n".join([f"== {of}", *lines])
