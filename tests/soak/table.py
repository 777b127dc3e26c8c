"""The table of promises: one line per figure, on a terminal and in the README."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.soak.part import Part
from tests.soak.promises import PROMISES, Figure

LAST = Path(__file__).with_name("last_figures.json")
"""The figures of the README, with the day they were measured."""

PARTS_BEGIN, PARTS_END = "<!-- parts: made by `python -m tests.soak --list --readme` -->", "<!-- /parts -->"
BEGIN, END = "<!-- promises: made by `python -m tests.soak --readme` -->", "<!-- /promises -->"


def show(figures: Sequence[Figure], unfinished: dict[str, str]) -> None:
    """Print every promise with its figures; one that nothing measured is named too."""
    table = Table("promise", "figure", "measured", "asked", "result")
    for promise, told in PROMISES.items():
        rows = [figure for figure in figures if figure.promise == promise]
        if not rows:
            table.add_row(f"{promise} {told.text}", "", "", told.asked, "not run", style="dim")
        for figure in rows:
            table.add_row(f"{promise} {told.text}", figure.what, figure.measured, figure.asked, figure.result)
    Console(width=None if Console().is_terminal else 200).print(table)
    for part, where in unfinished.items():
        print(f"{part}: stopped at {where}; the same command goes on from there")


def remember(figures: Sequence[Figure], day: str) -> None:
    """Keep `figures` as the last measured ones; promises without a new figure keep their old ones."""
    kept = json.loads(LAST.read_text()) if LAST.exists() else []
    measured = {(figure.promise, figure.what) for figure in figures}
    old = [row for row in kept if (row["promise"], row["what"]) not in measured]
    new = [figure.as_json() | {"day": day} for figure in figures]
    rows = sorted(old + new, key=lambda row: ([*PROMISES].index(row["promise"]), row["what"]))
    LAST.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def readme_table() -> str:
    """Return the README's table of promises, made from the figures last measured."""
    kept = json.loads(LAST.read_text()) if LAST.exists() else []
    lines = ["| Promise | Asked | Last measured |", "|---|---|---|"]
    for promise, told in PROMISES.items():
        cell = "<br>".join(_told(row) for row in kept if row["promise"] == promise)
        lines.append(f"| {promise} {told.text} | {told.asked} | {cell or 'not run'} |")
    return "\n".join([BEGIN, *lines, END])


def _told(row: Mapping[str, Any]) -> str:
    figure = Figure.from_json({name: value for name, value in row.items() if name != "day"})
    mark = "" if figure.holds else f"**{figure.result.lower()}:** "
    return f"{mark}{figure.what}: {figure.measured} ({row['day']})"


def parts_table(known: Mapping[str, Part]) -> str:
    """Return the README's table of long runs: how long each takes and what it does."""
    rows = [f"| `{name}` | {part.minutes:g} min | {part.says} |" for name, part in known.items()]
    return "\n".join([PARTS_BEGIN, "| Part | At most | Does |", "|---|---|---|", *rows, PARTS_END])


def write_readme(readme: Path, known: Mapping[str, Part]) -> None:
    """Put both tables where the README keeps them."""
    text = readme.read_text(encoding="utf-8")
    for table, begin, end in ((readme_table(), BEGIN, END), (parts_table(known), PARTS_BEGIN, PARTS_END)):
        before, rest = text.split(begin)
        text = before + table + rest.split(end)[1]
    readme.write_text(text, encoding="utf-8")
