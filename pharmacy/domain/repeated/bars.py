"""How like two questions must be, by who made their vectors."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


def bar_of(embedder: str) -> float | None:
    """Return how like two questions must be, 0 to 1; None where no bar was chosen: then none are like enough."""
    found = _file()["bars"].get(embedder)
    return None if found is None else float(found)


def wrong_under() -> float:
    """Return the share of treacherous questions, 0 to 1, below which wrong hits must stay."""
    return float(_file()["wrong_under"])


@cache
def _file() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(Path(__file__).with_name("bars.toml").read_text("utf-8"))
    return found
