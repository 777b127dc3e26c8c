"""The table of promises: one line per figure, on a terminal and in the README."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.soak.part import Part
from tests.soak.promises import NOT_HERE, PROMISES, Figure

LAST = Path(__file__).with_name("last_figures.json")
"""The figures of the README, with the part, seed and day they were measured by."""

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
    for promise, what in NOT_HERE.items():
        print(f"{promise}: not run here: {what}")
    for part, where in unfinished.items():
        print(f"{part}: stopped at {where}; the same command goes on from there")


def remember(measured: Mapping[str, Sequence[Figure]], seed: int, day: str) -> None:
    """Keep what each part has measured with this seed; other parts' figures, and other seeds', stay."""
    kept = json.loads(LAST.read_text()) if LAST.exists() else []
    old = [row for row in kept if not (row["part"] in measured and row["seed"] == seed)]
    new = [
        figure.as_json() | {"part": part, "seed": seed, "day": day}
        for part, figures in measured.items()
        for figure in figures
    ]
    rows = sorted(old + new, key=lambda row: ([*PROMISES].index(row["promise"]), row["what"], row["seed"]))
    LAST.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def readme_table() -> str:
    """Return the README's table of promises, made from the figures last measured."""
    kept = json.loads(LAST.read_text()) if LAST.exists() else []
    lines = ["| Promise | Asked | Last measured |", "|---|---|---|"]
    for promise, told in PROMISES.items():
        cells = [*_told([row for row in kept if row["promise"] == promise])]
        cells += [f"not run here: {NOT_HERE[promise]}"] if promise in NOT_HERE else []
        cell = "<br>".join(cells)
        lines.append(f"| {promise} {told.text} | {told.asked} | {cell or 'not run'} |")
    return "\n".join([BEGIN, *lines, END])


def _told(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each figure; seeds that measured the same share one."""
    same: dict[Figure, list[Mapping[str, Any]]] = {}
    for row in rows:
        same.setdefault(Figure.from_json({name: row[name] for name in Figure.__dataclass_fields__}), []).append(row)
    for figure, of in same.items():
        mark = "" if figure.holds else f"**{figure.result.lower()}:** "
        seeds = " and ".join(str(row["seed"]) for row in of)
        yield f"{mark}{figure.what}: {figure.measured} (seed {seeds}, {max(row['day'] for row in of)})"


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
