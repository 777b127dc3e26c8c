"""What commands that try models share: the flow with its endpoints, the cost told first, and a bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from evaluation.candidates import Candidate
    from graph.assemble import Assembled
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database


def refuse_unknown(node: str, assembled: "Assembled") -> None:
    """Refuse a node that asks no model."""
    if node not in assembled.registry.tables.nodes:
        known = [*assembled.registry.tables.nodes]
        raise typer.BadParameter(f"{node!r}: expected one of {known}", param_hint="NODE")


def candidates(models: str, node: str, assembled: "Assembled") -> "list[Candidate]":
    """Return what `A,B,…` names; for nothing, the node's teacher and, where it has one, its student."""
    from evaluation.candidates import Candidate

    registry = assembled.registry
    named = [one.strip() for one in models.split(",") if one.strip()] or [
        one for one in (registry.teacher_of(node), registry.student_of(node)) if one
    ]
    try:
        found = [Candidate.read(one) for one in named]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--models") from None
    if len(set(map(str, found))) < len(found):
        raise typer.BadParameter(f"{models!r}: names one twice", param_hint="--models")
    return found


def open_endpoints(assembled: "Assembled", settings: "Settings", refs: list[str]) -> None:
    """Make ready the endpoints of `refs`, which no table may name."""
    from evaluation.candidates import RECORDED
    from pharmacy.settings import endpoint_variables

    assembled.registry.open_for([ref for ref in refs if ref != RECORDED], endpoint_variables(settings))


def stand_in_line(assembled: "Assembled", database: "Database") -> None:
    """Have what `assembled` asks of limited models counted with what every other process asks."""
    from pharmacy.storage.model_queue import ModelQueue

    assembled.registry.queue = ModelQueue(database)


def ask_cost(expected_usd: float | None, what: str, *, yes: bool, quiet: bool) -> None:
    """Tell what it will cost, and ask; what costs nothing is not asked for."""
    if expected_usd == 0:
        return
    cost = "an unknown sum" if expected_usd is None else f"about {expected_usd:.2f} USD"
    if not quiet:
        print(f"{what}: {cost}", file=sys.stderr)
    if yes:
        return
    if quiet or not sys.stdin.isatty():
        raise typer.BadParameter(f"it costs {cost}; expected --yes where nobody can be asked", param_hint="--yes")
    typer.confirm("Go on?", abort=True, err=True)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; give what moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
