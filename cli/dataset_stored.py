"""`kakari dataset import-stored`: a version of the answers that the provider has kept."""

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from cli.dataset_told import counts, end, version_json, version_told
from cli.opened import in_database
from pharmacy.domain.errors import ConfigError

if TYPE_CHECKING:
    from distillation.datasets.building import Built
    from distillation.datasets.stored import Stored
    from pharmacy.models.tables import ModelTables
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def import_stored(
    node: Annotated[str, typer.Argument(help="A node whose table says `store = true`, such as classify.")],
    as_json: AsJson = False,
) -> None:
    """Make a version of the node's dataset of those records alone whose answer the provider has kept, word for word.

    What it keeps without a record of ours is left out, and counted. Exit status 1: no record may become a row, or the
    provider's store cannot be read.
    """
    from distillation.datasets.building import NothingToLearn
    from pharmacy.models.stored_completions import StoreRefused
    from pharmacy.models.tables import read_tables
    from pharmacy.settings import read_settings

    tables = read_tables(read_settings().models_file)
    if node not in tables.nodes:
        raise ConfigError(f"{node!r} is no node that asks a model; expected one of {[*tables.nodes]}")

    async def work(database: "Database", settings: "Settings") -> "tuple[Built, Stored]":
        return await _imported(database, settings, tables, node, quiet=as_json)

    try:
        built, stored = in_database(work)
    except NothingToLearn as error:
        if as_json:
            print(json.dumps({"version": None, "left_out": error.left_out}))
        end(f"{error}; left out: {counts(error.left_out)}")
    except StoreRefused as error:
        end(f"{error}; nothing was written")
    if as_json:
        told = {"new": built.is_new, "stored": stored.read, **version_json(built.version)}
        print(json.dumps(told, ensure_ascii=False))
        return
    print("\n".join([f"{stored.read} answers are kept by the provider.", *version_told(built.version)]))
    if not built.is_new:
        print("Nothing has changed since: no new version was written.")


async def _imported(
    database: "Database", settings: "Settings", tables: "ModelTables", node: str, *, quiet: bool
) -> "tuple[Built, Stored]":
    from rich.console import Console
    from rich.progress import Progress

    from distillation.datasets.building import Wanted, build
    from distillation.datasets.stored import Stored
    from pharmacy.models.model_name import ModelRef
    from pharmacy.models.openai_client import openai_client
    from pharmacy.models.patience import Patience
    from pharmacy.models.stored_completions import stored_answers
    from pharmacy.settings import endpoint_variables

    provider = ModelRef.read(tables.nodes[node].teacher).provider
    if provider not in tables.endpoints:
        raise ConfigError(f"{node}: its teacher {tables.nodes[node].teacher!r} is no provider's; nothing is kept of it")
    client = openai_client(provider, tables.endpoints[provider], endpoint_variables(settings, os.environ))
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("reading what the provider keeps", total=None)
        try:
            stored = await Stored.of(
                stored_answers(client, node, Patience()), lambda read: bar.update(task, completed=read)
            )
        finally:
            await client.close()
        bar.update(task, description="reading conversations")
        built = await build(
            database, settings, Wanted(node), told=lambda done, of: bar.update(task, completed=done, total=of),
            stored=stored,
        )  # fmt: skip
    return built, stored
