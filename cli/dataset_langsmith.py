"""`kakari dataset push` and `pull`: a version's copy in LangSmith."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.opened import in_database
from pharmacy.domain.errors import ConfigError

if TYPE_CHECKING:
    from distillation.datasets.langsmith_copy import Copied
    from pharmacy.observing.datasets import Datasets, PulledDataset
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Of = Annotated[str, typer.Argument(metavar="NODE|VERSION", help="A version, or a node for its newest one.")]
NO_KEY = "LANGSMITH_API_KEY is not set: there is nowhere to push to or pull from; datasets work without it"
_ACTOR = "command line"

Result = TypeVar("Result")


def push(of: Of, as_json: AsJson = False) -> None:
    """Have a version in LangSmith too, redacted once more, with its splits, under the version's name as its tag.

    Pushed again it sends nothing; rows that have left the version since leave it in LangSmith as well. Exit status 1:
    LangSmith could not take it, or has other rows under this name.
    """

    async def work(database: "Database", settings: "Settings", at: "Datasets") -> "Copied":
        from distillation.datasets.langsmith_copy import push as push_version

        return await push_version(database, settings, at, of, _ACTOR)

    copied = at_langsmith(work)
    name, pushed = copied.pushed.name, copied.pushed
    if as_json:
        print(json.dumps({"version": copied.version.version, "dataset": name, "rows": copied.rows,
                          "added": pushed.added, "removed": pushed.removed, "content": pushed.content}))  # fmt: skip
    elif pushed.added or pushed.removed:
        print(
            f"{copied.version.version}: {copied.rows} rows in {name!r}; {pushed.added} sent, {pushed.removed} removed"
        )
    else:
        print(f"{copied.version.version}: its {copied.rows} rows are in {name!r} already")


def pull(
    of: Of,
    file: Annotated[Path, typer.Argument(help="The file to write, one row to a line.")],
    split: Annotated[str | None, typer.Option(help="Only train, validation or held_out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write what LangSmith has of a version to a file. Its words are pseudonyms where names stood, and marked so."""

    async def work(database: "Database", settings: "Settings", at: "Datasets") -> "PulledDataset":
        from distillation.datasets.langsmith_copy import pull as pull_version

        return await pull_version(database, settings, at, of, [split] if split else None)

    from distillation.datasets.langsmith_copy import write_examples
    from distillation.datasets.splitting import SPLITS

    if split is not None and split not in SPLITS:
        raise typer.BadParameter(f"{split!r}: expected one of {[*SPLITS]}", param_hint="--split")
    pulled = at_langsmith(work)
    try:
        write_examples(pulled, file)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}; expected a file that can be written") from None
    if as_json:
        print(json.dumps({"version": pulled.version, "dataset": pulled.name, "rows": len(pulled.examples),
                          "content": pulled.content, "words": "pseudonyms"}))  # fmt: skip
    else:
        print(f"{file}: {len(pulled.examples)} rows of {pulled.version} from {pulled.name!r}")


def at_langsmith(work: "Callable[[Database, Settings, Datasets], Awaitable[Result]]") -> Result:
    """Return what `work` returns, done with LangSmith open; a failure there ends the command with status 1."""
    from pharmacy.observing.datasets import Datasets
    from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed, Unfit
    from pharmacy.redaction.redact import Redactor
    from pharmacy.settings import read_settings

    if read_settings().langsmith_api_key is None:
        raise ConfigError(NO_KEY)

    async def run(database: "Database", settings: "Settings") -> Result:
        langsmith = LangSmith(settings)
        try:
            return await work(database, settings, Datasets(langsmith, Redactor()))
        finally:
            langsmith.close()

    try:
        return in_database(run)
    except (LangSmithFailed, Unfit) as failed:
        print(f"kakari: {failed}", file=sys.stderr)
        raise typer.Exit(1) from None
