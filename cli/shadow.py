"""`kakari shadow NODE`: have the node's student answer beside past replies, through the provider's Batch API."""

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from distillation.shadow_batches import Scored
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database


def shadow(
    node: Annotated[str, typer.Argument(help="A node whose student answers beside replies, such as classify.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the node's student beside the drawn replies of days that are over, in batches at a share of the price.

    With KAKARI_SHADOW=batch no worker asks beside replies, and this does. Ctrl-C leaves a batch at work: the same
    command finds it again. Exit status 1: some could not be asked; the same command asks only them again.
    """
    from pharmacy.models.batch import BatchRefused

    async def work(database: "Database", settings: "Settings") -> "Scored":
        return await _scored(database, settings, node)

    try:
        found = in_database(work)
    except BatchRefused as error:
        print(f"kakari: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    told = {"kept": found.kept, "failed": found.failed, "left": found.left, "cost_usd": found.cost_usd}
    cost = "an unknown sum" if found.cost_usd is None else f"{found.cost_usd:.4f} USD"
    print(json.dumps(told) if as_json else f"{node}: {found.kept} answers kept, for {cost}")
    for why, many in sorted(found.left.items()):
        print(f"kakari: {many} not answered: {why}; the same command asks only them again", file=sys.stderr)
    raise typer.Exit(1 if found.left else 0)


async def _scored(database: "Database", settings: "Settings", node: str) -> "Scored":
    from datetime import UTC, datetime

    from cli.trial import refuse_unknown, stand_in_line
    from distillation.shadow_batches import Scoring, score
    from graph.assemble import assemble_from
    from pharmacy.models.batch import batches_at
    from pharmacy.settings import endpoint_variables
    from pharmacy.storage import people
    from server.worker.purse import spare_purse

    assembled = assemble_from(settings)
    stand_in_line(assembled, database)
    try:
        refuse_unknown(node, assembled)
        async with database.begin(settings.pharmacy_id) as tx:
            catalogue = await people.catalogue(tx, settings.pharmacy_id)
        at = partial(batches_at, tables=assembled.registry.tables, environ=endpoint_variables(settings))
        purse = spare_purse(database, settings.budgets, settings.pharmacy_id)
        scoring = Scoring(
            database, settings.pharmacy_id, assembled, catalogue, at, lambda: assembled.models_beside(purse)
        )
        try:
            return await score(scoring, node, datetime.now(UTC))
        finally:
            await purse.settle()
    finally:
        await assembled.registry.aclose()
