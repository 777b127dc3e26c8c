"""`kakari promote NODE`: let a student take its next step, when the figures allow it."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from distillation.promoting import Promotion
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database


def promote(
    node: Annotated[str, typer.Argument(help="A node with a student in the models file, such as classify.")],
    approved_by: Annotated[str, typer.Option(help="The account that lets it: of a role that the node's plan names.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    plain: Annotated[
        str | None, typer.Option(help="The cheap model that nobody has trained; unsaid, what the student is made from.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="The model that marks drafts; unsaid, the judge's teacher.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A version; unsaid, the node's newest.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the gate says, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let the node's student take its next step: it answers unused, then serves a share, then all.

    Before the first step the gate measures it on held-out rows by the node's plan; before each further one, so many
    live cases must have been seen. Exit status 1: something speaks against it; each reason is said with its figures.
    """
    from distillation.steps import NothingToPromote
    from evaluation.asking import Unfinished

    if not (yes or dry_run) and (as_json or not sys.stdin.isatty()):
        raise typer.BadParameter("expected --yes where nobody can be asked", param_hint="--yes")

    async def work(database: "Database", settings: "Settings") -> "Promotion":
        return await _promotion(
            database, settings, node, (plain, judge, dataset), approved_by, reason, dry_run=dry_run, yes=yes,
            quiet=as_json,
        )  # fmt: skip

    try:
        done = in_database(work)
    except (NothingToPromote, Unfinished) as error:
        print(f"kakari: {node}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(json.dumps(_json(done), ensure_ascii=False) if as_json else "\n".join(_told(done)))
    raise typer.Exit(0 if done.passes else 1)


async def _promotion(
    database: "Database", settings: "Settings", node: str, given: tuple[str | None, str | None, str | None],
    approved_by: str, reason: str, *, dry_run: bool, yes: bool, quiet: bool,
) -> "Promotion":  # fmt: skip
    from cli.trial import ask_cost, open_endpoints, progress, refuse_unknown
    from distillation.promoting import Asked, begin, decide
    from graph.assemble import assemble_from

    assembled = assemble_from(settings)
    try:
        refuse_unknown(node, assembled)
        asked = Asked(node, approved_by, reason, *given)
        open_endpoints(assembled, settings, [ref for ref in given[:2] if ref])
        begun = await begin(database, settings, assembled, asked)
        if begun.contest is not None:
            open_endpoints(assembled, settings, begun.contest.models)
        if begun.trial is not None:
            ask_cost(begun.trial.expected_usd, f"{len(begun.trial.cases)} held-out cases", yes=yes, quiet=quiet)
        with progress(node, quiet=quiet) as told:
            found = await begun.judged(database, settings, assembled, lambda _what: told)
        if not found.passes or dry_run:
            return found
        if not yes:
            print("\n".join(_told(found)))
            typer.confirm(f"{found.step.said}?", abort=True)
        return await decide(database, settings, assembled, asked, found)
    finally:
        await assembled.registry.aclose()


def _told(of: "Promotion") -> list[str]:
    lines = [f"{of.node}, {of.step.name}: {of.step.said}"]
    lines += [f"  {'yes' if check.passes else 'NO '}  {check.name:<32} {check.said}" for check in of.checks]
    if of.instead:
        lines.append(f"{of.instead} is no worse than the teacher without any training: name it as the student instead.")
    if of.is_done:
        return [
            *lines,
            "Done: it holds from the next run on in every process that was started with this models file. "
            "Back in one: kakari rollback " + of.node,
        ]
    return [*lines, "Nothing was changed." if of.passes else "Refused; nothing was changed."]


def _json(of: "Promotion") -> dict[str, Any]:
    return {
        "node": of.node, "step": of.step.name, "before": of.step.before.said, "after": of.step.after.said,
        "passes": of.passes, "done": of.is_done, "instead": of.instead, "evaluation": of.evaluation,
        "rows_needed": of.rows_needed, "checks": [check.json() for check in of.checks],
    }  # fmt: skip
