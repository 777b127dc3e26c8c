"""`kakari dataset`: build a node's dataset from decided records, show it, write it to a file, check any such file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from cli.dataset_told import counts, end, faults_json, places, version_json, version_line, version_told
from cli.opened import in_database

if TYPE_CHECKING:
    from distillation.datasets.building import Built
    from distillation.datasets.exporting import Exported
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from pharmacy.storage.datasets import DatasetVersion

app = typer.Typer(help="Datasets of a node, made of what pharmacists have decided.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="A model that the rows must fit into; may be given more than once."),
]


@app.command()
def build(
    node: Annotated[str, typer.Argument(help="A node that asks a model, such as classify.")],
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Train from so many rows at most; the critical ones come first.")
    ] = None,
    held_out_share: Annotated[
        float | None,
        typer.Option(help="Of the patients in no split yet, hold this share out, above 0 and below 1; for good."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new version of the node's dataset; where nothing has changed since the newest one, that one is it.

    Exit status 1: no record may become a row.
    """
    from distillation.datasets.building import NothingToLearn, Wanted
    from distillation.datasets.building import build as build_version

    _refuse_unknown(node)
    if held_out_share is not None and not 0 < held_out_share < 1:
        raise typer.BadParameter(f"{held_out_share!r}: expected above 0 and below 1", param_hint="--held-out-share")

    async def work(database: "Database", settings: "Settings") -> "Built":
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bar:
            task = bar.add_task("reading conversations", total=None)
            wanted = Wanted(node, rows, held_out_share=held_out_share)
            return await build_version(
                database, settings, wanted, told=lambda done, of: bar.update(task, completed=done, total=of)
            )

    try:
        built = in_database(work)
    except NothingToLearn as error:
        if as_json:
            print(json.dumps({"version": None, "left_out": error.left_out}))
        end(f"{error}; left out: {counts(error.left_out)}")
    if as_json:
        print(json.dumps({"new": built.is_new, **version_json(built.version)}, ensure_ascii=False))
    else:
        print("\n".join(version_told(built.version)))
        if not built.is_new:
            print("Nothing has changed since: no new version was written.")


@app.command()
def show(
    of: Annotated[str | None, typer.Argument(metavar="[NODE|VERSION]", help="A node, or a version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one version whole, or list the versions of a node or of all."""
    is_version = of is not None and of not in _nodes()

    async def work(database: "Database", settings: "Settings") -> "list[DatasetVersion]":
        from pharmacy.storage import datasets

        async with database.begin(settings.pharmacy_id) as tx:
            if is_version and of is not None:
                return [await datasets.one_version(tx, settings.pharmacy_id, of)]
            return await datasets.versions(tx, settings.pharmacy_id, of)

    found = in_database(work)
    if as_json:
        shown: Any = version_json(found[0]) if is_version else [version_json(version) for version in found]
        print(json.dumps(shown, ensure_ascii=False))
    elif is_version:
        print("\n".join(version_told(found[0])))
    else:
        print(
            "\n".join(version_line(version) for version in found)
            or "There is no dataset yet: kakari dataset build NODE"
        )


@app.command()
def export(
    version: Annotated[str, typer.Argument(help="A version, such as classify-1.")],
    file: Annotated[Path, typer.Argument(help="The file to write; its manifest is written beside it.")],
    form: Annotated[str, typer.Option("--format", help="supervised or preference.")] = "supervised",
    split: Annotated[str, typer.Option(help="train, validation or held_out.")] = "train",
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Write a split as chat JSONL: the same version gives the same bytes, as long as no row has left it.

    Exit status 1: a row breaks a documented rule, or they are too few; nothing is written then.
    """
    from distillation.datasets.chat_rules import Form
    from distillation.datasets.exporting import Wanted
    from distillation.datasets.exporting import export as write
    from distillation.datasets.splitting import SPLITS

    if form not in get_args(Form):
        raise typer.BadParameter(f"{form!r}: expected one of {[*get_args(Form)]}", param_hint="--format")
    if split not in SPLITS:
        raise typer.BadParameter(f"{split!r}: expected one of {[*SPLITS]}", param_hint="--split")

    async def work(database: "Database", settings: "Settings") -> "Exported":
        from rich.console import Console

        given = {"models": models} if models else {}
        with Console(stderr=True, quiet=as_json).status(f"writing {file} …"):
            return await write(database, settings, Wanted(version, file, form, split, **given))  # type: ignore[arg-type]

    try:
        exported = in_database(work)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}; expected a file that can be written") from None
    if as_json:
        print(json.dumps({"written": exported.is_written, **exported.manifest, **faults_json(exported.checked)}))
    elif exported.is_written:
        told = exported.manifest
        print(
            f"{file}: {told['rows']} rows of {version}, {split}, about {told['tokens']} tokens; sha256 {told['sha256']}"
        )
    if not exported.is_written:
        end(f"{version}: nothing is written", exported.checked)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Any chat JSONL file.")], models: Models = None, as_json: AsJson = False
) -> None:
    """Check a file to train from, line by line. Exit status 1: it has faults; each is named with its line."""
    from distillation.datasets.chat_file import BASE, check_file

    try:
        checked = check_file(file, models or (BASE,))
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}; expected a file that can be read") from None
    if as_json:
        print(json.dumps({"good": checked.is_good, "rows": checked.rows, "formats": dict(checked.forms),
                          "tokens": checked.tokens, "longest_tokens": checked.longest_tokens, "bytes": checked.bytes,
                          "sha256": checked.sha256, **faults_json(checked)}))  # fmt: skip
    elif checked.is_good:
        print(f"{file}: {checked.rows} rows, about {checked.tokens} tokens, the longest {checked.longest_tokens}")
        print("\n".join(places(checked, checked.notes)), end="\n" if checked.notes else "")
    if not checked.is_good:
        end(f"{file}: has {checked.fault_count} faults", checked)


def _nodes() -> list[str]:
    from pharmacy.models.tables import read_tables
    from pharmacy.settings import read_settings

    return [*read_tables(read_settings().models_file).nodes]


def _refuse_unknown(node: str) -> None:
    if node not in (nodes := _nodes()):
        raise typer.BadParameter(f"{node!r}: expected one of {nodes}", param_hint="NODE")
