"""Instructions of a message by way, counted by valgrind where there is one: a figure that other work does not move."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.side_by_side import Setting, simulated, way
from tests.bench.ways import valgrind_counts

WAYS = ("by_hand", "usual", "usual_streamed", "flow", "thrifty")
_COLLECTED = re.compile(r"Collected : (\d+)")


def counted_instructions(messages: int, ways: Sequence[str] = WAYS) -> dict[str, float] | None:
    """Return for each way millions of instructions of one message, or None without valgrind.

    Some fifty times slower than by itself; starting and warming up are neither counted nor so slow.

    Args:
        messages: to count over, four at once.
    """
    return {name: _counted(name, messages) for name in ways} if shutil.which("valgrind") else None


def instruction_lines(found: dict[str, float] | None) -> Iterator[tuple[str, str]]:
    """Give a line for each way, or one that says why there is none."""
    if found is None:
        yield "instructions", "not counted: there is no valgrind"
    for name, millions in (found or {}).items():
        yield f"instructions: {name}", f"{millions:.1f} million a message"


def _counted(name: str, messages: int) -> float:
    with TemporaryDirectory(prefix="kakari-bench-") as folder, simulated(0.02) as url:
        log = Path(folder) / "valgrind.log"
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
                    f"--log-file={log}"]  # fmt: skip
        answered = way(Setting(name, messages, 4, 0.02), url, {valgrind_counts.ASKED: "1"}, valgrind)
        found = _COLLECTED.search(log.read_text(encoding="utf-8"))
        if answered["failed"] or found is None:
            raise RuntimeError(
                f"{name} under valgrind: {answered['failed']} messages failed; expected none, and a count"
            )
        return int(found[1]) / messages / 1e6
