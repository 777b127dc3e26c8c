"""Ways of writing the same flow beside each other: each run in fresh processes, in shuffled rounds, kept as JSON."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import Progress

from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY
from tests.faults.postgres import Postgres
from tests.faults.processes import AT_WORK, CHECKOUT, START_SECONDS, Kakari, until


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

    traced: bool = False
    """Whether a whole program traces, to a stand-in."""

    workers: int = 1
    """Processes of a whole program that work on jobs: the server, and so many more less one."""

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
    with simulated(setting.scale) as url:
        if setting.way != "program":
            return way(setting, url, {})
        with (
            _langsmith(setting.traced) as traced,
            program(url, {**traced, **(setting.variables or {})}, setting.workers) as found,
        ):
            return way(setting, url, found)


def way(setting: Setting, url: str, variables: Mapping[str, str], before: Sequence[str] = ()) -> dict[str, Any]:
    """Run a setting's way in a process of its own, and return what it says.

    Args:
        url: of the simulated provider.
        before: the command that it runs under.
    """
    command = [*before, sys.executable, "-m", "tests.bench.ways", setting.way, url,
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
def simulated(scale: float, module: str = "tests.bench.simulator", *more: str) -> Iterator[str]:
    """Start a simulated provider, and give its address."""
    command = [sys.executable, "-m", module, "--scale", str(scale), *more]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def _langsmith(traced: bool) -> Iterator[dict[str, str]]:
    if not traced:
        yield {}
        return
    with LangSmithFake() as fake:
        yield {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": fake.url}
    if not fake.asked:
        raise RuntimeError("nothing was traced; expected a trace for each message")


@contextmanager
def program(provider: str, variables: Mapping[str, str], workers: int = 1) -> Iterator[dict[str, str]]:
    """Start Kakari on a PostgreSQL of its own, and say where it is."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="kakari-bench-")))
        folder.chmod(0o755)  # a PostgreSQL that runs as another user must reach what is inside
        home = folder / "home"
        server = EmbeddedServer(home)
        server.join()
        closing.callback(server.leave)
        given = {"DATABASE_URL": server.url, "OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-bench",
                 "KAKARI_SETTLE_SECONDS": "0", "LOG_LEVEL": "ERROR", **variables}  # fmt: skip
        kakari = closing.enter_context(Kakari(home, given))
        kakari.ready()  # and with it the schema, which workers expect
        more = [Kakari(folder / f"worker{number}", given, ("worker",)) for number in range(1, workers)]
        pids = [kakari.pid, *(closing.enter_context(one).pid for one in more)]
        postgres = Postgres(home)
        until("every worker", lambda: postgres.rows(AT_WORK)[0][0] >= workers, START_SECONDS)
        yield {"BENCH_URL": kakari.url, "BENCH_KEY": kakari.key(), "BENCH_PIDS": " ".join(map(str, pids)),
               "BENCH_POSTGRES_PID": str(postgres.pid), "BENCH_HOME": str(home),
               "BENCH_DATABASE": server.url}  # fmt: skip
