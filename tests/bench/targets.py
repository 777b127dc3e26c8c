"""What was set out to be reached, beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.figures import Ratio, Row, ratio, ratio_of_times


@dataclass(frozen=True)
class Target:
    """One figure, mostly a ratio within one run."""

    what: str
    measured: float
    asked: float
    at_least: bool = False
    """Whether more is better."""

    low: float | None = None
    high: float | None = None
    """Between what the rounds, or 95% of draws of the messages, lie."""

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.asked if self.at_least else self.measured <= self.asked

    def as_json(self) -> dict[str, Any]:
        """Return it for a file."""
        return {**asdict(self), "is_met": self.is_met}


def met(target: Target) -> str:
    """Return it in words."""
    asked = f"{'at least' if target.at_least else 'at most'} {target.asked:g}"
    spread = "" if target.low is None or target.high is None else f" ({target.low:.2f} to {target.high:.2f})"
    return f"{target.measured:.2f}{spread}; asked: {asked}; {'met' if target.is_met else 'MISSED'}"


def targets_of(rows: Sequence[Row], figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Target]:
    """Return each target whose block was measured, with what was measured."""
    return [target for block, make in _OF_BLOCK.items() if block in figures for target in make(rows, figures)]


def _within(what: str, found: Ratio, asked: float, *, at_least: bool = False) -> Target:
    return Target(what, found.value, asked, at_least, found.low, found.high)


def _alone(rows: Sequence[Row], _: Any) -> list[Target]:
    return [
        _within("flow alone, CPU of the usual way's", ratio(rows, "alone", "flow", "usual"), 0.25),
        _within("flow streamed, CPU of the usual way's streamed",
                ratio(rows, "alone", "thrifty", "usual_streamed"), 0.10),
    ]  # fmt: skip


def _program(rows: Sequence[Row], _: Any) -> list[Target]:
    return [
        _within("whole program, CPU of the usual way's", ratio(rows, "program", "program", "usual"), 0.40),
        *(_within(f"whole program, p{part} of overhead at 12 in flight, of the usual way's",
                  ratio(rows, "program", "program", "usual", f"overhead_p{part}"), 0.25) for part in (50, 95)),
        _within("tracing on over off, CPU",
                ratio(rows, "program", "program_traced", "program"), 1.3),
    ]  # fmt: skip


def _thousand(rows: Sequence[Row], figures: Any) -> list[Target]:
    found = figures["thousand"]
    return [
        Target("1,000 in flight: messages that failed", found["flow"]["failed"] + found["thrifty"]["failed"], 0),
        _within("1,000 in flight: throughput over the usual way's",
                ratio(rows, "thousand", "flow", "usual", "messages_per_second"), 6, at_least=True),
        Target("1,000 in flight: connections over calls in flight",
               found["flow"]["most_connections"] / found["flow"]["most_at_once"], 1.0),
    ]  # fmt: skip


def _many(rows: Sequence[Row], figures: Any) -> list[Target]:
    more = [Target("CPU at 256 over 16 in flight",
                   figures["many"]["flow"]["cpu_ms"] / figures["alone"]["flow"]["cpu_ms"], 1.3)]  # fmt: skip
    memory = ratio(rows, "many", "flow", "usual", "kb_in_flight")
    return [*(more if "alone" in figures else []), _within("memory in flight over the usual way's", memory, 0.7)]


def _workers(rows: Sequence[Row], _: Any) -> list[Target]:
    found = ratio(rows, "workers", "workers_2", "workers_1", "messages_per_second")
    return [_within("2 workers over 1, messages per second", found, 1.7, at_least=True)]


def _shape(rows: Sequence[Row], _: Any) -> list[Target]:
    def waits(way: str, part: int, asked: float) -> Target:
        return _within(f"{way}: p{part} of sequential", ratio_of_times(rows, "shape", way, "by_hand", part), asked)

    def costs(way: str, asked: float) -> Target:
        return Target(f"{way}: cost of sequential", ratio(rows, "shape", way, "by_hand", "usd").value, asked)

    return [
        waits("thrifty", 50, 0.78), costs("thrifty", 1.01), waits("quick", 50, 0.62), costs("quick", 1.30),
        waits("quickest", 95, 0.55),
    ]  # fmt: skip


_OF_BLOCK = {
    "alone": _alone, "program": _program, "workers": _workers, "thousand": _thousand, "many": _many, "shape": _shape,
}  # fmt: skip
