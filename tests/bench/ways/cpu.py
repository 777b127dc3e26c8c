"""CPU seconds of processes, by what the kernel counts."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def own() -> Mapping[str, float]:
    """Return this process's CPU seconds."""
    return {"own": time.process_time()}


def of(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and of their children that have ended; one that is gone counts nothing."""
    return sum(_of(pid) for pid in pids)


def _of(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICKS
    return 0.0


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += [int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return found
