"""`kakari drill NODE`: find out today which model could take a retiring one's place, and put it there."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from distillation.drill import Drilled, Tried
    from graph.assemble import Assembled
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database


def drill(
    node: Annotated[str, typer.Argument(help="A node that asks a model, such as classify.")],
    models: Annotated[
        str,
        typer.Option(help="A,B,…: the models to try; unsaid, those that stay, at no higher price, the cheapest first."),
    ] = "",
    judge: Annotated[str | None, typer.Option(help="The model that marks drafts; unsaid, the judge's teacher.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A version; unsaid, the node's newest.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the cheapest model that passes into the models file as the teacher.")
    ] = False,
    approved_by: Annotated[
        str | None, typer.Option(help="With --write, the account that lets it: of a role that the node's plan names.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold every replacement against what the node's teacher answered on record, and let the node's gate choose.

    The teacher itself need not be there any more for its rows. Exit status 1: no model passes.
    """
    from evaluation.asking import Unfinished

    if write and not approved_by:
        raise typer.BadParameter("expected the account that lets it, with --write", param_hint="--approved-by")
    if write and not yes and (as_json or not sys.stdin.isatty()):
        raise typer.BadParameter("expected --yes where nobody can be asked", param_hint="--yes")

    async def work(database: "Database", settings: "Settings") -> "tuple[Drilled, str | None]":
        from cli.trial import refuse_unknown, stand_in_line
        from distillation.replacing import may_replace, replace_teacher
        from graph.assemble import assemble_from

        assembled = assemble_from(settings)
        stand_in_line(assembled, database)
        try:
            refuse_unknown(node, assembled)
            if approved_by:
                approver = await may_replace(database, settings, assembled, node, approved_by)
                if not approver.passes:
                    print(f"kakari: {node}: {approver.said}; nothing was asked or changed", file=sys.stderr)
                    raise typer.Exit(1)
            found = await _drilled(database, settings, assembled, node, models, judge, dataset, yes=yes, quiet=as_json)
        finally:
            await assembled.registry.aclose()
        if not (write and found.chosen and approved_by):
            return found, None
        if not yes:
            typer.confirm(f"{found.chosen.model} in the place of {found.retiring}?", abort=True, err=True)
        chosen = found.chosen.model
        return found, str(await replace_teacher(database, settings, found, chosen, approved_by))

    try:
        found, written = in_database(work)
    except Unfinished as error:
        print(f"kakari: {node}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(json.dumps(_json(found, written), ensure_ascii=False) if as_json else "\n".join(_told(found, written)))
    raise typer.Exit(0 if found.chosen else 1)


async def _drilled(
    database: "Database", settings: "Settings", assembled: "Assembled", node: str, models: str, judge: str | None,
    dataset: str | None, *, yes: bool, quiet: bool,
) -> "Drilled":  # fmt: skip
    from datetime import UTC, datetime

    from cli.trial import ask_cost, candidates, open_endpoints, progress
    from distillation.drill import drilled
    from distillation.plan import load_plan
    from distillation.replacements import replacements
    from evaluation.asking import without_silent
    from evaluation.candidates import RECORDED, Candidate
    from evaluation.end_to_end import whole_runs
    from evaluation.evaluating import hold
    from evaluation.run_ends import difference_of, recorded_runs
    from evaluation.trial import Wanted, prepare

    plan = load_plan(node, assembled.flow, settings.plans_folder)
    retiring = assembled.registry.teacher_of(node)
    tried = models or ",".join(replacements(assembled, node, settings.students_folder, datetime.now(UTC).date()))
    if not tried:
        print(f"kakari: {node}: no model to try in place of {retiring}; name some with --models", file=sys.stderr)
        raise typer.Exit(1)
    chosen = candidates(tried, node, assembled)
    open_endpoints(assembled, settings, [*(one.model for one in chosen), *([judge] if judge else [])])
    wanted = Wanted(node, [Candidate(RECORDED), *chosen], dataset, judge=judge)
    trial = await prepare(database, settings.pharmacy_id, assembled, wanted)
    ask_cost(trial.expected_usd, f"{len(trial.cases)} cases, {len(chosen)} models", yes=yes, quiet=quiet)
    trial, silent = await without_silent(trial)
    for model, why in silent.items():
        print(f"kakari: {model} is left out: {why}", file=sys.stderr)
    with progress(f"{node}: answers", quiet=quiet) as told:
        evaluated = await hold(database, settings.pharmacy_id, trial, told)
    with progress(f"{node}: whole runs", quiet=quiet) as told:
        refs = [one.model for one in chosen if str(one) not in silent]
        runs = await whole_runs(database, settings.pharmacy_id, assembled, node, trial.cases, refs, told)
    # The retiring model may be gone: what its runs came to is on record.
    before = await recorded_runs(database, settings.pharmacy_id, assembled.flow, node, trial.cases)
    whole = {ref: difference_of(trial.cases, before, runs[ref]) for ref in refs}
    marked_by = trial.asker.judge if trial.asker.questions.writes else None
    return drilled(plan, node, retiring, evaluated, whole, marked_by)


def _told(of: "Drilled", written: str | None) -> list[str]:
    lines = [f"{of.node}: in place of {of.retiring}"]
    for one in of.tried:
        lines += [f"  {one.model}: {'passes' if one.passes else 'does not pass'}, {_cost(one)}"]
        lines += [f"    {'yes' if check.passes else 'NO '}  {check.name:<32} {check.said}" for check in one.checks]
    if of.chosen is None:
        return [*lines, "No model passes; nothing was changed."]
    if written:
        return [
            *lines,
            f"{of.chosen.model} is the teacher now: {written}. It holds from the next start of each process on.",
        ]
    return [*lines, f"{of.chosen.model} can take its place: the same command with --write puts it there."]


def _json(of: "Drilled", written: str | None) -> dict[str, Any]:
    return {
        "node": of.node, "retiring": of.retiring, "evaluation": of.evaluation, "written": written,
        "chosen": of.chosen.model if of.chosen else None,
        "tried": [{"model": one.model, "passes": one.passes, "cost_usd": one.figures.cost_usd,
                   "checks": [check.json() for check in one.checks]} for one in of.tried],
    }  # fmt: skip


def _cost(of: "Tried") -> str:
    cost = of.figures.cost_usd
    return "its price is unknown" if cost is None else f"{cost:.6f} USD a case"
