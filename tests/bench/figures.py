"""Figures of runs: medians over rounds, ratios within a round, intervals where there is one round of many messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.bench.simulated import PROMPT_TOKENS

IN_USD, OUT_USD = 2.5e-6, 10e-6
"""For one token of gpt-4o, read and written (platform.openai.com/docs/pricing, 2026-11)."""

_DRAWS = 2000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Ratio:
    """One way's figure over another's, and between what it lies."""

    value: float
    low: float
    high: float


def figures_of(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each block and way its figures: medians over the rounds, times in seconds, CPU in milliseconds."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for block, name in dict.fromkeys((row["block"], row["name"]) for row in rows):
        of = [row for row in rows if (row["block"], row["name"]) == (block, name)]
        times, over = (np.concatenate([row[what] for row in of]) for what in ("times", "overheads"))
        each = [figures_of_run(row) for row in of]
        cpu = [one["cpu_ms"] for one in each]
        found.setdefault(block, {})[name] = {
            **{what: float(np.median([one[what] for one in each])) for what in each[0]},
            "cpu_ms_least": min(cpu), "cpu_ms_most": max(cpu),
            **{f"p{part}": float(np.quantile(times, part / 100)) for part in (50, 95, 99)},
            **{f"overhead_p{part}": float(np.quantile(over, part / 100)) for part in (50, 95, 99)},
            **{what: max(row[what] for row in of) for what in ("most_connections", "most_at_once")},
            "failed": sum(row["failed"] for row in of), "messages": sum(row["messages"] for row in of),
            "rounds": len(of),
        }  # fmt: skip
    return found


def figures_of_run(row: Row) -> dict[str, float]:
    """Return the figures of one run; CPU is that of all of a way's processes, PostgreSQL told apart."""
    cpu = sum(value for part, value in row["cpu_ms"].items() if part != "postgres")
    return {
        "cpu_ms": cpu, "postgres_cpu_ms": row["cpu_ms"].get("postgres", 0.0), "per_second_and_core": 1000 / cpu,
        "messages_per_second": row["messages"] / row["seconds"],
        **{f"p{part}": float(np.quantile(row["times"], part / 100)) for part in (50, 95)},
        **{f"overhead_p{part}": float(np.quantile(row["overheads"], part / 100)) for part in (50, 95)},
        "kb_in_flight": row["kb_in_flight"], "calls": row["requests_each"], "cancelled": row["cancelled_each"],
        "tokens": row["tokens_each"],
        "usd": row["requests_each"] * PROMPT_TOKENS * IN_USD + row["tokens_each"] * OUT_USD,
        "simulator_ms_a_call": row["simulator_ms_each"] / max(row["requests_each"], 1),
    }  # fmt: skip


def ratio(rows: Sequence[Row], block: str, way: str, other: str, what: str = "cpu_ms") -> Ratio:
    """Return the median of the ratios within each round, with the least and the most of them."""
    mine, theirs = _by_round(rows, block, way), _by_round(rows, block, other)
    pairs = [(figures_of_run(mine[at])[what], figures_of_run(theirs[at])[what]) for at in sorted(mine)]
    # What cannot be compared is not a number, which meets no target.
    each = [ours / their if their > 0 else float("nan") for ours, their in pairs]
    return Ratio(float(np.median(each)), min(each), max(each))


def ratio_of_times(rows: Sequence[Row], block: str, way: str, other: str, part: int) -> Ratio:
    """Return the ratio of a percentile of times, with its 95% interval over the messages (bootstrap, same messages)."""
    mine, theirs = (np.concatenate([one["times"] for _, one in sorted(_by_round(rows, block, name).items())])
                    for name in (way, other))  # fmt: skip
    draw = np.random.default_rng(7).integers(0, len(mine), (_DRAWS, len(mine)))

    def at(times: Any) -> Any:
        return np.quantile(times, part / 100, axis=-1)

    low, high = np.quantile(at(mine[draw]) / at(theirs[draw]), (0.025, 0.975))
    return Ratio(float(at(mine) / at(theirs)), float(low), float(high))


def _by_round(rows: Sequence[Row], block: str, name: str) -> dict[int, Row]:
    return {row["round"]: row for row in rows if (row["block"], row["name"]) == (block, name)}
