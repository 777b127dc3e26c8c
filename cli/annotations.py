"""`kakari annotations`: what people said in LangSmith of runs that they looked at again."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database
from pharmacy.domain.errors import ConfigError

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from server.annotations import Pulled

app = typer.Typer(help="Labels from LangSmith's annotation queue.", no_args_is_help=True)

NO_KEY = "LANGSMITH_API_KEY is not set: there is no annotation queue to read; everything else works without it"
_ACTOR = "command line"


@app.callback()
def annotations() -> None:
    """Labels from LangSmith's annotation queue."""


@app.command()
def pull(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Read the labels of every run whose review is over; read again, nothing is added twice.

    Their words are LangSmith's: pseudonyms stand in them for names, and each label is marked so.
    """
    from pharmacy.settings import read_settings

    if read_settings().langsmith_api_key is None:
        raise ConfigError(NO_KEY)
    pulled = in_database(_pull)
    kept = pulled.labels
    if as_json:
        counts = {"added": kept.added, "changed": kept.changed, "unchanged": kept.unchanged}
        print(json.dumps({"reviewed": pulled.reviewed, **counts, "words": "pseudonyms"}))
    else:
        print(f"{pulled.reviewed} runs reviewed: {kept.added} labels added, {kept.changed} changed,"
              f" {kept.unchanged} as they were.")  # fmt: skip


async def _pull(database: "Database", settings: "Settings") -> "Pulled":
    from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed
    from server.annotations import pull

    langsmith = LangSmith(settings)
    try:
        return await pull(database, settings.pharmacy_id, langsmith, _ACTOR)
    except LangSmithFailed as failed:
        print(f"kakari: {failed}; nothing was kept, try again later", file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        langsmith.close()
