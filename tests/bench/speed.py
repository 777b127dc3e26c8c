"""What Kakari costs and how fast it is beside other ways of writing the same steps: rounds, figures, targets."""

import json
import os
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.blocks import SMALL, blocks
from tests.bench.figures import Row, figures_of, figures_of_run
from tests.bench.instructions import counted_instructions, instruction_lines
from tests.bench.side_by_side import measure
from tests.bench.targets import Target, met, targets_of

SEED = 20261123
FILE = Path("build/bench.json")
MESSAGES_COUNTED = 20
"""For the instructions of each way."""

BLOCKS = tuple(block.name for block in blocks())


def speed_figures(names: Collection[str] = BLOCKS) -> Iterator[tuple[str, str]]:
    """Measure the blocks of these names, write it all to build/bench.json, and give the table."""
    before = os.getloadavg()[0]
    rows = measure([block for block in blocks() if block.name in names], SEED)
    figures = figures_of(rows)
    targets = targets_of(rows, figures)
    instructions = counted_instructions(max(round(MESSAGES_COUNTED * SMALL), 2)) if "alone" in names else None
    _write(rows, figures, targets, instructions, before)
    yield "simulated provider, its own ceiling", _ceiling(rows)
    for block, ways in figures.items():
        for way, found in ways.items():
            yield f"{block}: {way}", _line(found)
    for target in targets:
        yield target.what, met(target)
    yield from instruction_lines(instructions) if "alone" in names else ()


def _write(
    rows: Sequence[Row],
    figures: Mapping[str, Any],
    targets: Sequence[Target],
    instructions: Mapping[str, float] | None,
    load: float,
) -> None:
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(), "machine": platform.machine(),
        "python": platform.python_version(), "scale": SMALL, "load_before": load, "load_after": os.getloadavg()[0],
        "targets": [target.as_json() for target in targets], "figures": figures,
        "million_instructions": instructions,
        "runs": [{**{name: row[name] for name in ("block", "round", "name", "messages", "in_flight", "failed")},
                  **figures_of_run(row)} for row in rows],
    }  # fmt: skip
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _ceiling(rows: Sequence[Row]) -> str:
    """Return how many calls it could answer with one core; streams cost it most."""
    dearest = max(figures_of_run(row)["simulator_ms_a_call"] for row in rows)
    asked = max(row["requests_each"] * row["messages"] / row["seconds"] for row in rows)
    return f"{1000 / dearest:.0f} calls/s or more by its CPU ({dearest:.2f} ms a call); asked at most {asked:.0f}/s"


def _line(found: Mapping[str, float]) -> str:
    return (
        f"CPU {found['cpu_ms']:.1f} ms ({found['cpu_ms_least']:.1f} to {found['cpu_ms_most']:.1f}), "
        f"{found['per_second_and_core']:.0f} messages/s and core, PostgreSQL "
        f"{found['postgres_cpu_ms']:.1f} ms; {found['messages_per_second']:.1f}/s; p50 {found['p50']:.2f} s, "
        f"p95 {found['p95']:.2f} s, p99 {found['p99']:.2f} s; over the models' time {found['overhead_p50'] * 1000:.0f} "
        f"and {found['overhead_p95'] * 1000:.0f} ms; {found['kb_in_flight']:.0f} kB in flight; "
        f"{found['most_connections']:.0f} connections for {found['most_at_once']:.0f} calls at once; "
        f"{found['calls']:.2f} calls, ${found['usd']:.5f}; {found['failed']:.0f} of "
        f"{found['messages']:.0f} failed, {found['rounds']:.0f} rounds"
    )
