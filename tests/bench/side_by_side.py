"""Ways of writing the same flow beside each other: each run in fresh processes, in shuffled rounds, kept as JSON."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import Progress

from pharmacy.storage.embedded import EmbeddedServer
from tests.faults.postgres import Postgres
from tests.faults.processes import CHECKOUT, Kakari


@dataclass(frozen=True)
class Setting:
    """What one run measures."""

    way: str
    messages: int
    in_flight: int
    scale: float
    """Of the simulated latency."""

    variables: Mapping[str, str] | None = None
    """What a whole program is started with beside the usual."""

    named: str = ""
    """What the figures call it; the way itself when left out."""

    @property
    def name(self) -> str:
        """What the figures call it."""
        return self.named or self.way


@dataclass(frozen=True)
class Block:
    """Settings that are held against each other, so many rounds in shuffled order."""

    name: str
    settings: Sequence[Setting]
    rounds: int


def measure(blocks: Sequence[Block], seed: int) -> list[dict[str, Any]]:
    """Return a row for each run; what a run says is in `tests/bench/ways/__main__.py`."""
    rows = []
    draw = random.Random(seed)
    with Progress() as progress:
        task = progress.add_task("runs", total=sum(len(block.settings) * block.rounds for block in blocks))
        for block in blocks:
            for round_number in range(block.rounds):
                for setting in draw.sample(block.settings, len(block.settings)):
                    progress.update(task, description=f"{block.name}: {setting.name}, {setting.in_flight} in flight")
                    rows.append({"block": block.name, "round": round_number, "name": setting.name, **_run(setting)})
                    progress.advance(task)
    return rows


def _run(setting: Setting) -> dict[str, Any]:
    with _simulator(setting.scale) as url:
        if setting.way != "program":
            return _way(setting, url, {})
        with _program(url, setting.variables or {}) as found:
            return _way(setting, url, found)


def _way(setting: Setting, url: str, variables: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.ways", setting.way, url,
               "--count", str(setting.messages), "--in-flight", str(setting.in_flight)]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAKARI_", "OPENAI_", "LANGSM"))}
    ran = subprocess.run(
        command, cwd=CHECKOUT, env={**kept, **variables}, capture_output=True, text=True, check=False, timeout=1800
    )
    if ran.returncode:
        raise RuntimeError(f"{setting.name}: {ran.stderr[-2000:]}")
    found = dict(json.loads(ran.stdout))
    if found["failed"]:
        print(f"{setting.name}: {found['failed']} of {found['messages']} failed: {ran.stderr[-300:]}", file=sys.stderr)
    return found


@contextmanager
def _simulator(scale: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.simulator", "--scale", str(scale)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def _program(provider: str, variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Start Kakari on a PostgreSQL of its own, and say where it is."""
    with TemporaryDirectory(prefix="kakari-bench-") as folder:
        Path(folder).chmod(0o755)  # a PostgreSQL that runs as another user must reach what is inside
        home = Path(folder) / "home"
        server = EmbeddedServer(home)
        server.join()
        try:
            given = {"DATABASE_URL": server.url, "OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-bench",
                     "KAKARI_SETTLE_SECONDS": "0", "LOG_LEVEL": "ERROR", **variables}  # fmt: skip
            with Kakari(home, given) as kakari:
                kakari.ready()
                yield {"BENCH_URL": kakari.url, "BENCH_KEY": kakari.key(), "BENCH_PID": str(kakari.pid),
                       "BENCH_POSTGRES_PID": str(Postgres(home).pid)}  # fmt: skip
        finally:
            server.leave()
