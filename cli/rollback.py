"""`kakari rollback`: the teacher serves a node again, in every process, from its next run on."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.domain.serving import Serving
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

_ACTOR = "command line"


def rollback(
    node: Annotated[str, typer.Argument(help="A node that asks a model, such as classify.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let the teacher serve a node again, at once and everywhere; the student is not even asked any more.

    Drafts that the student has written already stay with the pharmacists, who read each before it goes out.
    """
    from pharmacy.models.serving import first_serving
    from pharmacy.models.tables import read_tables
    from pharmacy.settings import read_settings

    tables = read_tables(read_settings().models_file)
    if node not in tables.nodes:
        raise typer.BadParameter(f"{node!r}: expected one of {[*tables.nodes]}", param_hint="NODE")

    async def work(database: "Database", settings: "Settings") -> "Serving":
        from pharmacy.domain.serving import Serving
        from pharmacy.storage import servings

        async with database.begin(settings.pharmacy_id) as tx:
            before = await servings.decide(tx, settings.pharmacy_id, _ACTOR, node, Serving("teacher"), reason)
        return before.serving if before else first_serving(tables.nodes[node])

    before = in_database(work)
    if as_json:
        print(json.dumps({"node": node, "serving": "teacher", "before": before.said}))
    elif before.needs_student:
        print(f"{node}: the teacher serves again; before, {before.said}.")
    else:
        print(f"{node}: the teacher serves, as before.")
