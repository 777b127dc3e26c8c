"""Choose the rows that a base student learns from: those of other categories, as base.toml fixes them."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

BASE = Path(__file__).with_name("base.toml")


def base_rows(node: str, own: Path, others: Iterable[Path]) -> list[str]:
    """Return lines of chat JSONL under the prompt of `node`.

    Args:
        own: training rows of `node`; for a generator only their prompt is used.
        others: training rows of the generators that base.toml names.
    """
    fixed = tomllib.loads(BASE.read_text(encoding="utf-8"))[node]
    rows = _lines(own)
    if "categories" in fixed:
        return [line for line in rows if _answer(line)["category"] in fixed["categories"]]
    system = json.loads(rows[0])["messages"][0]
    return [_under(system, line) for other in others for line in _lines(other)]


def _lines(path: Path) -> list[str]:
    # Not splitlines(): a line of JSON may hold what it takes for a line's end.
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def _answer(line: str) -> dict[str, str]:
    return dict(json.loads(json.loads(line)["messages"][-1]["content"]))


def _under(system: dict[str, str], line: str) -> str:
    _, *rest = json.loads(line)["messages"]
    return json.dumps({"messages": [system, *rest]}, ensure_ascii=False)
