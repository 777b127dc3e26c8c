"""The benchmark's picture as SVG: CPU of a message by way, and what each order of calls makes of time and cost."""

from collections.abc import Mapping
from typing import Any

_WIDTH, _LEFT, _ROW, _GAP = 860, 230, 22, 34
_CPU = (
    ("by hand: asyncio and aiohttp", "alone", "by_hand"),
    ("usual: LangGraph, ChatOpenAI", "alone", "usual"),
    ("usual, streamed", "alone", "usual_streamed"),
    ("Kakari's flow", "alone", "flow"),
    ("Kakari's flow, streamed (thrifty)", "alone", "thrifty"),
    ("Kakari whole: records, jobs, gates", "program", "program"),
)
_SHAPES = (("sequential", "by_hand"), *((name, name) for name in ("thrifty", "quick", "quickest")))
_OF_SHAPE = (("p50", "#2a6f97"), ("p95", "#61a5c2"), ("usd", "#c98b2b"))
_SAID = {"p50": "p50", "p95": "p95", "usd": "cost"}


def picture(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return it; a way that was not measured is left out."""
    drawn, y = list[str](), 30
    cpu = [(words, figures[block][way]["cpu_ms"]) for words, block, way in _CPU if way in figures.get(block, {})]
    if cpu:
        drawn.append(_words(12, y, "CPU of a message, milliseconds (without PostgreSQL)", bold=True))
        most = max(value for _, value in cpu)
        for words, value in cpu:
            y += _ROW
            drawn += _bar(y, words, value / most, f"{value:.1f}", "#2a6f97" if "Kakari" in words else "#9aa5ad")
        y += _GAP
    shape = figures.get("shape", {})
    if base := shape.get("by_hand"):
        drawn.append(_words(12, y, "Beside one call after the other (1.00): p50, p95, cost", bold=True))
        most = max(figures["shape"][way][what] / base[what] for _, way in _SHAPES for what, _ in _OF_SHAPE)
        for words, way in _SHAPES:
            for what, colour in _OF_SHAPE:
                y += _ROW
                value = shape[way][what] / base[what]
                drawn += _bar(y, f"{words}, {_SAID[what]}", value / most, f"{value:.2f}", colour)
        y += _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" font-family="sans-serif" font-size="13">'
    )
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>', *drawn, "</svg>", ""])


def _bar(y: int, words: str, share: float, value: str, colour: str) -> list[str]:
    length = max((_WIDTH - _LEFT - 80) * share, 1.0)
    return [
        _words(12, y, words),
        f'<rect x="{_LEFT}" y="{y - 12}" width="{length:.1f}" height="15" fill="{colour}"/>',
        _words(round(_LEFT + length + 6), y, value),
    ]


def _words(x: int, y: int, words: Any, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="#1d2730"{weight}>{words}</text>'
