"""strace on a running process: it dies, or a system call of it fails, at exactly the n-th one."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@contextmanager
def injected(pids: Sequence[int], call: str, what: str, at: int) -> Iterator[subprocess.Popen[bytes]]:
    """Inject `what` into the `at`-th `call` of each thread of `pids` and of children to come, counted from now on.

    Args:
        call: a system call's name, or several between commas.
        what: as strace's `inject` takes it: `signal=KILL`, `error=EIO`.
    """
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *(f"--attach={pid}" for pid in pids)]
    tracing = subprocess.Popen(
        [*command, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={at}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for pid in pids:
            _attached(pid, tracing)
        yield tracing
    finally:
        with suppress(ProcessLookupError):
            tracing.terminate()
        tracing.wait(10)


def _attached(pid: int, tracing: subprocess.Popen[bytes]) -> None:
    """Wait until strace holds every thread of `pid`, or that process is gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not _threads(pid):
            return
        with suppress(OSError):
            if all(f"TracerPid:\t{tracing.pid}\n" in (task / "status").read_text() for task in _threads(pid)):
                return
        if tracing.poll() is not None:
            raise AssertionError(f"strace ended with {tracing.returncode}; may it trace process {pid}?")
        time.sleep(0.01)
    raise AssertionError(f"strace did not attach to {pid}")


def _threads(pid: int) -> list[Path]:
    return [*Path(f"/proc/{pid}/task").glob("*")]
