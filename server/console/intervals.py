"""Means with their intervals as the places of a drawing, under one another on one scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100.0
"""Units from the scale's lower end to its upper one."""

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Interval:
    """One mean: what it is of, and its values as shares of 1."""

    name: str
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Line:
    """One mean in the drawing, 0 to `WIDTH`."""

    name: str
    low: float
    value: float
    high: float
    is_clear: bool
    """Whether the interval lies on one side of zero; True on a scale without one."""


@dataclass(frozen=True)
class Forest:
    """The drawing."""

    lines: tuple[Line, ...]
    ticks: tuple[float, ...]
    """The values at the lower end, in the middle and at the upper end."""

    zero: float | None
    """Where nothing is the better; None on a scale without it."""


def forest(rows: Sequence[Interval], *, around_zero: bool = False) -> Forest:
    """Return the drawing of `rows`.

    Args:
        around_zero: for differences: the scale reaches as far below zero as above it. Else it ends at 1 at most.
    """
    low, high = _reach(rows, around_zero=around_zero)
    unit = WIDTH / (high - low)

    def at(value: float) -> float:
        return round(min(max((value - low) * unit, 0.0), WIDTH), 2)

    lines = [
        Line(row.name, at(row.low), at(row.value), at(row.high), not around_zero or row.low > 0 or row.high < 0)
        for row in rows
    ]
    return Forest(tuple(lines), (low, (low + high) / 2, high), at(0.0) if around_zero else None)


def _reach(rows: Sequence[Interval], *, around_zero: bool) -> tuple[float, float]:
    if around_zero:
        most = max((max(abs(row.low), abs(row.high)) for row in rows), default=0.0)
        reach = next((step for step in _STEPS if step >= most), 1.0)
        return -reach, reach
    least = min((row.low for row in rows), default=0.0)
    low = min(math.floor(least * 10) / 10, 0.9)
    return max(low, 0.0), 1.0
