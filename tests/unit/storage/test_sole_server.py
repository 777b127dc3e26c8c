"""One `kakari serve` on one KAKARI_HOME."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pharmacy.storage.sole_server import AlreadyServing, serving

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, sys
from pathlib import Path
from pharmacy.storage.sole_server import serving
with serving(Path(sys.argv[1]), "127.0.0.1", 8123):
    sys.stdout.write("serving\\n"); sys.stdout.flush()
    sys.stdin.readline()
    os.kill(os.getpid(), 9)
"""


def test_a_second_one_is_told_who_serves_and_where(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "home", "127.0.0.1", 8000),
        pytest.raises(AlreadyServing, match=rf"process {os.getpid()} at http://127\.0\.0\.1:8000"),
        serving(tmp_path / "home", "127.0.0.1", 8001),
    ):
        pass


def test_another_home_is_free(tmp_path: Path) -> None:
    with serving(tmp_path / "one", "127.0.0.1", 8000), serving(tmp_path / "two", "127.0.0.1", 8001):
        pass


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "home")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        with pytest.raises(AlreadyServing, match=rf"process {process.pid} at http://127\.0\.0\.1:8123"):
            serving(tmp_path / "home", "127.0.0.1", 8000).__enter__()
        process.communicate(b"\n")

    with serving(tmp_path / "home", "127.0.0.1", 8000):
        pass
