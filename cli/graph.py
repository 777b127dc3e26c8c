"""`kakari graph`: draw the flow."""

from typing import Annotated

import typer


def graph(
    write: Annotated[bool, typer.Option("--write", help="Write mermaid/reply.mmd instead of printing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Draw the flow that the files describe, as mermaid."""
    import json

    from graph.assemble import assemble_from
    from graph.draw import DRAWING, mermaid
    from pharmacy.settings import read_settings

    drawing = mermaid(assemble_from(read_settings()).replies.graph)
    if write:
        DRAWING.parent.mkdir(exist_ok=True)
        DRAWING.write_text(drawing, encoding="utf-8")
        print(json.dumps({"written": str(DRAWING)}) if as_json else f"{DRAWING} is written.")
    else:
        print(json.dumps({"mermaid": drawing}) if as_json else drawing)
