"""`kakari backup` and `kakari restore`: the whole database in one file, and back."""

import json
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def backup(
    file: Annotated[Path, typer.Argument(help="A new file; readable by its owner only.")], as_json: AsJson = False
) -> None:
    """Write the whole database to a file while the program goes on. It holds patients' words: keep it as safe."""
    from pharmacy.settings import read_settings
    from pharmacy.storage.backup import write_backup

    with _at_work("backup", quiet=as_json):
        write_backup(read_settings(), file)
    size = file.stat().st_size
    print(json.dumps({"file": str(file), "bytes": size}) if as_json else f"{file}: {size:,} bytes.")


def restore(file: Annotated[Path, typer.Argument(help="A file of `kakari backup`.")], as_json: AsJson = False) -> None:
    """Fill an empty database from a backup, and hold for people what a backup cannot vouch for.

    Automatic sending stops until `kakari policy release`.
    """
    import asyncio

    from cli.restored import hold
    from pharmacy.settings import read_settings
    from pharmacy.storage.backup import put_back

    settings = read_settings()
    with _at_work("restore", quiet=as_json):
        put_back(settings, file)
        asyncio.run(hold(settings, f"kakari restore {file.name}"))
    said = f"{file} is back; what it cannot vouch for waits in the cases named `restored`. Automatic sending is off."
    print(json.dumps({"restored": str(file)}) if as_json else said)


def _at_work(what: str, *, quiet: bool):  # type: ignore[no-untyped-def]
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # How much there is left nobody knows; that it goes on can be seen.
    bar = Progress(TextColumn(what), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True,
                   disable=quiet)  # fmt: skip
    bar.add_task(what, total=None)
    return bar
