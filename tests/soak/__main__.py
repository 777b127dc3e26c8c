"""Run one part or all, and print one table of promise, figure, result: `python -m tests.soak [PART] [--seed N]`."""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.soak.part import OutOfTime, Part, Run
from tests.soak.parts import parts
from tests.soak.promises import PROMISES, Figure
from tests.soak.table import remember, show, write_readme

README = Path(__file__).resolve().parents[2] / "README.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 when a figure falls short, a part is unfinished, or all parts leave a promise out."""
    known = parts()
    chosen = _read(arguments, [*known])
    if chosen.list:
        for name, part in known.items():
            print(f"{name:<16} {part.minutes:>4g} min  {', '.join(part.promises):<20} {part.says}")
        if chosen.readme:
            write_readme(README, known)
        return 0
    names = [chosen.part] if chosen.part else [*known]
    folder = chosen.state or Path(tempfile.gettempdir()) / f"kakari-soak-{chosen.seed}-{chosen.scale:g}"
    measured, unfinished = _run(names, known, folder, chosen.seed, chosen.scale)
    figures = [figure for of_part in measured.values() for figure in of_part]
    show(figures, unfinished)
    if chosen.readme:
        remember(measured, chosen.seed, datetime.now(UTC).date().isoformat())
        write_readme(README, known)
    if not unfinished:  # the next run begins anew
        for name in names:
            shutil.rmtree(folder / name, ignore_errors=True)
    missing = [] if chosen.part else sorted(PROMISES.keys() - {figure.promise for figure in figures}, key=_number)
    if missing:
        print(f"no part has measured {', '.join(missing)}")
    return int(bool(unfinished or missing) or any(figure.falls_short for figure in figures))


def _number(promise: str) -> int:
    return int(promise.removeprefix("P"))


def _run(
    names: Sequence[str], known: dict[str, Part], folder: Path, seed: int, scale: float
) -> tuple[dict[str, list[Figure]], dict[str, str]]:
    measured: dict[str, list[Figure]] = {}
    unfinished = {}
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for name in names:
            bar = progress.add_task(name, total=None)
            try:
                measured[name] = measured_by(known[name], Run(folder / name, seed, scale, progress, bar))
            except OutOfTime as stopped:
                unfinished[name] = str(stopped)
    return measured, unfinished


def measured_by(part: Part, run: Run) -> list[Figure]:
    """Return the part's figures: those of a run that ended before an interruption, or freshly measured."""
    run.folder.mkdir(parents=True, exist_ok=True)
    run.folder.chmod(0o755)  # a PostgreSQL that runs as another user must reach what is inside
    ended = run.folder / "figures.json"
    if ended.exists():
        return [Figure.from_json(row) for row in json.loads(ended.read_text())]
    kept = run.folder / "kept.json"
    run.kept = json.loads(kept.read_text()) if kept.exists() else {}
    if run.was_broken_off:
        run.progress.console.print(f"{run.folder.name}: was broken off at work, begins anew")
        shutil.rmtree(run.folder)
        return measured_by(part, replace(run, kept={}))
    figures = [*part.measure(run)]
    ended.write_text(json.dumps([figure.as_json() for figure in figures]))
    return figures


def _read(arguments: Sequence[str] | None, names: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("part", nargs="?", choices=names, help="all parts when left out")
    parser.add_argument("--seed", type=int, default=1, help="draws other moments, sizes and orders")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the full size")
    parser.add_argument("--state", type=Path, help="where an interrupted run goes on from; made from seed and scale")
    parser.add_argument("--readme", action="store_true", help="write the tables into the README")
    parser.add_argument("--list", action="store_true", help="name the parts, how long each takes, and what it measures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
