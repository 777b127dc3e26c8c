"""`kakari products`: put formulas on the shelf."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.opened import in_database

app = typer.Typer(help="The pharmacy's products.", no_args_is_help=True)


@app.command("import")
def import_products(
    file: Annotated[Path, typer.Argument(help="A .toml (one product), .json or .jsonl file of products.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put products on the shelf, each replacing the one of its id; all of the file or nothing of it."""
    from rich.progress import track

    from pharmacy.domain.products.read import bodies_in

    bodies = list(bodies_in(file))

    async def work(database, settings):  # type: ignore[no-untyped-def]
        from pharmacy.storage import audit, people

        async with database.begin(settings.pharmacy_id) as tx:
            for product_id, body in track(bodies, "products", disable=as_json or len(bodies) < 200, transient=True):
                await people.put_product(tx, settings.pharmacy_id, product_id, body)
            ids = [product_id for product_id, _ in bodies]
            await audit.append(
                tx, settings.pharmacy_id, "command line", "products_imported", settings.pharmacy_id, {"ids": ids}
            )

    in_database(work)
    print(json.dumps({"imported": len(bodies)}) if as_json else f"{len(bodies)} products are on the shelf.")
