"""`kakari pharmacies`: which pharmacies this database serves, each walled off from the others."""

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

app = typer.Typer(help="The pharmacies of this database: add, list.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@app.command()
def add(
    pharmacy_id: Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, - and _.")],
    as_json: AsJson = False,
) -> None:
    """Make room for a pharmacy; its first account comes from `kakari users add NAME --role admin --pharmacy ID`."""
    if not _ID.fullmatch(pharmacy_id):
        raise typer.BadParameter(f"{pharmacy_id!r}: expected small letters, digits, - and _", param_hint="ID")

    async def work(database: "Database", settings: "Settings") -> None:  # noqa: ARG001
        from pharmacy.storage import audit, pharmacies
        from pharmacy.storage.refusals import Conflict

        async with database.begin(pharmacy_id) as tx:
            if not await pharmacies.add(tx, pharmacy_id):
                raise Conflict(f"pharmacy {pharmacy_id!r} is there already")
            await audit.append(tx, pharmacy_id, "command line", "pharmacy_added", pharmacy_id, {})

    in_database(work)
    print(json.dumps({"id": pharmacy_id}) if as_json else f"{pharmacy_id} is served from now on.")


@app.command("list")
def list_pharmacies(as_json: AsJson = False) -> None:
    """List the pharmacies of this database."""

    async def work(database: "Database", settings: "Settings") -> list[str]:  # noqa: ARG001
        from pharmacy.storage import pharmacies

        return await pharmacies.served(database)

    ids = in_database(work)
    print(json.dumps(ids) if as_json else "\n".join(ids) or "There is none yet: kakari pharmacies add ID")
