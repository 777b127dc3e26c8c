"""A played column as a file, so that a run that was broken off can go on."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.bench.cost.columns import Column
from tests.bench.cost.played import Came, Order, Played


def store(folder: Path, played: Played, order: Order) -> None:
    """Write what came of a column."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"of": _of(played.column, order), "figures": played.figures, "provider": played.provider,
            "outcomes_usd": played.outcomes_usd,
            "came": [[*key, asdict(came)] for key, came in played.came.items()]}  # fmt: skip
    (folder / f"{played.column.name}.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def stored(folder: Path, column: Column, order: Order) -> Played | None:
    """Return what came of `column` under `order` before, if it is there."""
    file = folder / f"{column.name}.json"
    said = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if said.get("of") != _of(column, order):
        return None
    came = {(talk, number): Came(**one) for talk, number, one in said["came"]}
    return Played(column, said["figures"], said["provider"], said["outcomes_usd"], came)


def _of(column: Column, order: Order) -> dict[str, Any]:
    """Return, as JSON gives it back, what was asked for: of the column what is not as it is unsaid."""
    said = {one.name: getattr(column, one.name) for one in fields(column) if getattr(column, one.name) != one.default}
    return dict(json.loads(json.dumps({"column": said, "order": asdict(order)})))
