"""What Kakari costs and how fast it is beside other ways of writing the same steps: rounds, figures, targets."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.side_by_side import Block, Setting, measure
from tests.bench.simulated import PROMPT_TOKENS
from tests.bench.targets import Target, met

SEED = 20261123
FILE = Path("build/bench.json")
IN_USD, OUT_USD = 2.5e-6, 10e-6
"""For one token of gpt-4o, read and written (platform.openai.com/docs/pricing, 2026-11)."""

SMALL = float(os.environ.get("KAKARI_BENCH_SCALE", "1"))
"""Of the messages and rounds; less for a look."""


def _many(count: int, least: int = 24) -> int:
    return max(int(count * SMALL), least)


def blocks() -> list[Block]:
    """Return what is measured; some 25 minutes on two cores without other work."""
    rounds = max(round(5 * SMALL), 1)
    alone = ("by_hand", "usual", "usual_streamed", "flow", "thrifty")
    shapes = ("by_hand", "flow", "thrifty", "quick", "quickest")
    traced = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "bench", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9"}
    few, several = max(rounds // 2, 1), max(round(3 * SMALL), 1)
    return [
        Block("alone", [Setting(way, _many(160), 16, 0.1) for way in alone], rounds),
        Block("shape", [Setting(way, _many(300), 12, 0.5) for way in shapes], 1),
        Block("program", [Setting("usual", _many(160), 12, 0.5), Setting("program", _many(160), 12, 0.5),
                          Setting("program", _many(160), 12, 0.5, traced, "program_traced")], several),
        Block("one", [Setting(way, _many(24), 1, 0.05) for way in ("usual", "flow", "thrifty")], few),
        Block("many", [Setting(way, _many(1024), 256, 1.0) for way in ("usual", "flow", "thrifty")], few),
        Block("thousand", [Setting(way, _many(2000), _many(1000), 1.0) for way in ("usual", "flow", "thrifty")], 1),
    ]  # fmt: skip


def figures_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each block and way its figures: medians over the rounds, times in seconds, CPU in milliseconds."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for block, name in dict.fromkeys((row["block"], row["name"]) for row in rows):
        of = [row for row in rows if (row["block"], row["name"]) == (block, name)]
        times, over = (np.concatenate([row[what] for row in of]) for what in ("times", "overheads"))
        cpu = [sum(value for part, value in row["cpu_ms"].items() if part != "postgres") for row in of]
        found.setdefault(block, {})[name] = {
            "cpu_ms": float(np.median(cpu)), "cpu_ms_least": min(cpu), "cpu_ms_most": max(cpu),
            "postgres_cpu_ms": float(np.median([row["cpu_ms"].get("postgres", 0.0) for row in of])),
            "messages_per_second": float(np.median([row["messages"] / row["seconds"] for row in of])),
            **{f"p{part}": float(np.quantile(times, part / 100)) for part in (50, 95, 99)},
            **{f"overhead_p{part}": float(np.quantile(over, part / 100)) for part in (50, 95)},
            "kb_in_flight": float(np.median([row["kb_in_flight"] for row in of])),
            **{what: max(row[what] for row in of) for what in ("most_connections", "most_at_once")},
            "usd": float(np.median([row["requests_each"] * PROMPT_TOKENS * IN_USD + row["tokens_each"] * OUT_USD
                                    for row in of])),
            "failed": sum(row["failed"] for row in of), "messages": sum(row["messages"] for row in of),
            "rounds": len(of),
        }  # fmt: skip
    return found


def targets_of(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Target]:
    """Return each target with what was measured."""

    def ratio(block: str, way: str, other: str, what: str = "cpu_ms") -> float:
        return figures[block][way][what] / figures[block][other][what]

    thousand = figures["thousand"]
    return [
        Target("flow alone, CPU of the usual way's", ratio("alone", "flow", "usual"), 0.25),
        Target("flow streamed, CPU of the usual way's streamed", ratio("alone", "thrifty", "usual_streamed"), 0.10),
        Target("whole program, CPU of the usual way's", ratio("program", "program", "usual"), 0.40),
        Target("whole program, p50 of overhead", ratio("program", "program", "usual", "overhead_p50"), 0.25),
        Target("whole program, p95 of overhead", ratio("program", "program", "usual", "overhead_p95"), 0.25),
        Target("tracing on over off, CPU", ratio("program", "program_traced", "program"), 1.3),
        Target("1,000 in flight: failed", thousand["flow"]["failed"] + thousand["thrifty"]["failed"], 0),
        Target("1,000 in flight: throughput over the usual way's",
               ratio("thousand", "flow", "usual", "messages_per_second"), 6, at_least=True),
        Target("1,000 in flight: connections over calls in flight",
               thousand["flow"]["most_connections"] / thousand["flow"]["most_at_once"], 1.0),
        Target("CPU at 256 over 16 in flight",
               figures["many"]["flow"]["cpu_ms"] / figures["alone"]["flow"]["cpu_ms"], 1.3),
        Target("memory in flight over the usual way's", ratio("many", "flow", "usual", "kb_in_flight"), 0.7),
        Target("thrifty: p50 of sequential", ratio("shape", "thrifty", "by_hand", "p50"), 0.78),
        Target("thrifty: cost of sequential", ratio("shape", "thrifty", "by_hand", "usd"), 1.01),
        Target("quick: p50 of sequential", ratio("shape", "quick", "by_hand", "p50"), 0.62),
        Target("quick: cost of sequential", ratio("shape", "quick", "by_hand", "usd"), 1.30),
        Target("quickest: p95 of sequential", ratio("shape", "quickest", "by_hand", "p95"), 0.55),
    ]  # fmt: skip


def speed_figures() -> Iterator[tuple[str, str]]:
    """Measure everything, write it to build/bench.json, and give the table."""
    rows = measure(blocks(), SEED)
    figures = figures_of(rows)
    targets = targets_of(figures)
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **machine, "scale": SMALL, "figures": figures,
            "targets": [target.as_json() for target in targets]}  # fmt: skip
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for block, ways in figures.items():
        for way, found in ways.items():
            yield f"{block}: {way}", _line(found)
    for target in targets:
        yield target.what, met(target)


def _line(found: Mapping[str, float]) -> str:
    return (
        f"CPU {found['cpu_ms']:.1f} ms ({found['cpu_ms_least']:.1f} to {found['cpu_ms_most']:.1f}), PostgreSQL "
        f"{found['postgres_cpu_ms']:.1f} ms; {found['messages_per_second']:.1f}/s; p50 {found['p50']:.2f} s, "
        f"p95 {found['p95']:.2f} s; over the models' time {found['overhead_p50'] * 1000:.0f} and "
        f"{found['overhead_p95'] * 1000:.0f} ms; {found['kb_in_flight']:.0f} kB in flight; "
        f"{found['most_connections']:.0f} connections for {found['most_at_once']:.0f} calls at once; "
        f"${found['usd']:.5f}; {found['failed']:.0f} of "
        f"{found['messages']:.0f} failed, {found['rounds']:.0f} rounds"
    )
