"""Under valgrind, instructions are counted only while messages are answered: starting is neither counted nor slow."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

ASKED = "BENCH_COUNT_INSTRUCTIONS"
"""The variable that asks for it; set when the process runs under callgrind with --instr-atstart=no."""


@contextmanager
def counted() -> Iterator[None]:
    """Let valgrind count this process's instructions while in here, if it was asked for."""
    if ASKED not in os.environ:
        yield
        return
    _tell("on")
    yield
    _tell("off")


def _tell(state: str) -> None:
    subprocess.run(["callgrind_control", "-i", state, str(os.getpid())], check=True, capture_output=True, timeout=300)
