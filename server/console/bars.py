"""A bar for each day, piece upon piece, as the places and sizes of a drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pharmacy.domain.numbers import DECIDED, Figures

WIDTH, HEIGHT = 960.0, 200.0
RIGHT, BOTTOM, TOP = 34.0, 22.0, 8.0
"""What stands beside the bars: the figures of the rules stand with the newest days, where a narrow screen begins."""

MOST_LABELS = 12


@dataclass(frozen=True)
class Piece:
    """One decision's part of a day's bar."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bars:
    """The drawing, in units of its own."""

    pieces: tuple[Piece, ...]
    labels: tuple[tuple[float, date], ...]
    """The middle of a bar, and its day; not each day has room for one, the last one always."""

    rules: tuple[tuple[float, int], ...]
    """The height of a line across, and the number that it stands for."""

    width: float = WIDTH
    height: float = HEIGHT


def bars_of(days: Sequence[date], figures: Mapping[date, Figures]) -> Bars:
    """Return the bars of `days`; a day without figures has none."""
    step = (WIDTH - RIGHT) / max(1, len(days))
    width = min(step * 0.7, 48.0)
    top = _round_up(max((figures[day].decisions for day in days if day in figures), default=0))
    unit = (HEIGHT - BOTTOM - TOP) / top
    pieces = []
    for place, day in enumerate(days):
        y = HEIGHT - BOTTOM
        for name in DECIDED:
            size = figures.get(day, Figures()).decided.get(name, 0) * unit
            y -= size
            if size:
                x = place * step + step * 0.15
                pieces.append(Piece(name, round(x, 2), round(y, 2), round(width, 2), round(size, 2)))
    every = -(-len(days) // MOST_LABELS)
    middle = width / 2 + step * 0.15
    labels = tuple(
        (round(place * step + middle, 2), day) for place, day in enumerate(days) if (len(days) - 1 - place) % every == 0
    )
    rules = tuple((round(HEIGHT - BOTTOM - value * unit, 2), value) for value in dict.fromkeys((0, top // 2, top)))
    return Bars(tuple(pieces), labels, rules)


def _round_up(most: int) -> int:
    """Return the number that the drawing reaches up to: even, so that its half is whole as well."""
    step = 2 * int(10 ** max(0, len(str(most)) - 2))
    return max(2, -(-most // step) * step)
