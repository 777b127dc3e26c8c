"""`kakari evaluate NODE`: hold models against each other on rows that no student has learnt from."""

import json
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluation.evaluating import Evaluated
    from evaluation.pairwise import WinRate
    from evaluation.trial import Wanted
    from graph.assemble import Assembled
    from pharmacy.observing.datasets import Datasets
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from pharmacy.storage.evaluations import Evaluation

_MODELS = (
    "A,B,…: the first is what the others are held against. MODEL@short asks under the prompt's first part alone, "
    "MODEL@few_shot=5 after five decided rows. Unsaid: the node's teacher and its student."
)
_AT_LEAST = (
    "MEASURE=SHARE, such as exact_agreement=0.85: exit status 1 where the lower end of a candidate's 95% interval is "
    "below; may be given more than once."
)


def evaluate(
    node: Annotated[str, typer.Argument(help="A node that asks a model, such as classify.")],
    models: Annotated[str, typer.Option(help=_MODELS)] = "",
    dataset: Annotated[str | None, typer.Option(help="A version; unsaid, the node's newest.")] = None,
    split: Annotated[str, typer.Option(help="held_out; or validation, which uses nothing up.")] = "held_out",
    judge: Annotated[str | None, typer.Option(help="The model that marks drafts; unsaid, the judge's teacher.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Ask the newest so many rows only.")] = None,
    at_least: Annotated[list[str] | None, typer.Option(help=_AT_LEAST)] = None,
    pairwise: Annotated[
        bool, typer.Option("--pairwise", help="Have the judge choose between drafts too, in both orders.")
    ] = False,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch", help="Ask through the provider's Batch API: cheaper, within a day. Ctrl-C leaves it at work."
        ),
    ] = False,
    experiment: Annotated[
        bool, typer.Option("--experiment", help="Have the answers in LangSmith too, one experiment for each model.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask anew what was answered before.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the node's evaluations, and ask nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the cost is well spent.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask every model the same questions, mark the answers, and print the figures, what got worse first.

    Ctrl-C loses no answer: the same command goes on. Exit status 1: a cut-off is missed, or some questions could not
    be answered by anybody.
    """
    from cli.evaluate_told import cut_offs, evaluated_json, evaluation_line, listed_json, missed, told

    if listed:
        found = _ended(node)
        lines = [evaluation_line(one) for one in found] or [f"{node}: nothing was evaluated yet"]
        print(json.dumps([listed_json(one) for one in found]) if as_json else "\n".join(lines))
        return
    if split not in ("held_out", "validation"):
        raise typer.BadParameter(f"{split!r}: expected held_out or validation", param_hint="--split")
    bounds = cut_offs(at_least or [])
    how = _How(batch, pairwise, again, yes, quiet=as_json)
    evaluated, rates = _evaluated(node, models, (dataset, split, judge, rows), how)
    short = missed(evaluated.figures, bounds)
    if experiment:
        _pushed(evaluated, quiet=as_json)
    print(
        json.dumps(evaluated_json(evaluated, short, rates), ensure_ascii=False) if as_json else told(evaluated, rates)
    )
    for line in short:
        print(f"kakari: {line}", file=sys.stderr)
    raise typer.Exit(1 if short else 0)


@dataclass(frozen=True)
class _How:
    """How somebody wants it done."""

    batch: bool
    pairwise: bool
    again: bool
    yes: bool
    quiet: bool


def _evaluated(
    node: str, models: str, of: tuple[str | None, str, str | None, int | None], how: _How
) -> "tuple[Evaluated, Mapping[str, WinRate]]":
    from evaluation.asking import Unfinished
    from pharmacy.models.batch import BatchRefused

    async def work(database: "Database", settings: "Settings") -> "tuple[Evaluated, Mapping[str, WinRate]]":
        from cli.trial import candidates, refuse_unknown, stand_in_line
        from evaluation.trial import Wanted
        from graph.assemble import assemble_from

        assembled = assemble_from(settings)
        stand_in_line(assembled, database)
        try:
            refuse_unknown(node, assembled)
            wanted = Wanted(node, candidates(models, node, assembled), *of, again=how.again)
            return await _held(database, settings, assembled, wanted, how)
        finally:
            await assembled.registry.aclose()

    try:
        return in_database(work)
    except (Unfinished, BatchRefused) as error:
        print(f"kakari: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


async def _held(
    database: "Database", settings: "Settings", assembled: "Assembled", wanted: "Wanted", how: _How
) -> "tuple[Evaluated, Mapping[str, WinRate]]":
    """Tell the cost, ask whether it is well spent, and evaluate."""
    from cli.trial import ask_cost, open_endpoints, progress
    from evaluation.evaluating import hold
    from evaluation.preferring import prefer
    from evaluation.trial import prepare
    from pharmacy.models.batch import batches_at
    from pharmacy.settings import endpoint_variables

    models = [one.model for one in wanted.candidates]
    open_endpoints(assembled, settings, [*models, *([wanted.judge] if wanted.judge else [])])
    trial = await prepare(database, settings.pharmacy_id, assembled, wanted)
    what = f"{len(trial.cases)} cases of {trial.version.version}, {len(models)} models"
    ask_cost(trial.expected_usd, what, yes=how.yes, quiet=how.quiet)
    at = partial(batches_at, tables=assembled.registry.tables, environ=endpoint_variables(settings))
    with progress(f"{wanted.node}: answers", quiet=how.quiet) as told:
        evaluated = await hold(database, settings.pharmacy_id, trial, told, at if how.batch else None)
    if not how.pairwise:
        return evaluated, {}
    with progress(f"{wanted.node}: pairs", quiet=how.quiet) as told:
        folder = settings.prompts_folder
        return evaluated, await prefer(database, settings.pharmacy_id, trial, evaluated, folder, told)


def _pushed(evaluated: "Evaluated", *, quiet: bool) -> None:
    from cli.dataset_langsmith import at_langsmith

    async def work(database: "Database", settings: "Settings", at: "Datasets") -> "Mapping[str, int]":
        from distillation.datasets.langsmith_experiment import push
        from pharmacy.observing.experiments import Experiments

        return await push(database, settings, Experiments(at.langsmith, at.redactor), evaluated, "command line")

    for candidate, runs in at_langsmith(work).items():
        if not quiet:
            print(f"LangSmith: {runs} runs of {candidate}", file=sys.stderr)


def _ended(node: str) -> "list[Evaluation]":
    async def work(database: "Database", settings: "Settings") -> "list[Evaluation]":
        from pharmacy.storage import evaluations

        async with database.begin(settings.pharmacy_id) as tx:
            return await evaluations.ended(tx, settings.pharmacy_id, node)

    return in_database(work)
