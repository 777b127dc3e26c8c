"""`kakari restored`: the database was put back from a backup; nothing may go out by itself that went out before."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pharmacy.settings import Settings


def restored(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Hold for people what a backup cannot vouch for: texts still to be sent, unanswered messages, open drafts.

    Automatic sending stops until `kakari policy release`. A start that notices the restore by itself does the same.
    """
    import asyncio

    from pharmacy.settings import read_settings

    asyncio.run(hold(read_settings(), "a person said so"))
    said = "Held: see the cases named `restored`. Automatic sending is off; `kakari policy release` turns it on again."
    print(json.dumps({"held": True}) if as_json else said)


async def hold(settings: "Settings", sign: str) -> None:
    """Hold it all, whatever the database looks like."""
    from server.program import open_program
    from server.restoring import hold_if_restored

    async with open_program(settings) as program:
        await hold_if_restored(program, sign, "command line")
