"""`python -m tests.circle play|base|figures|check`: what the circle needs beside `kakari`."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from tests.circle.base import base_rows
from tests.circle.checking import faults
from tests.circle.figures import figures_of, table
from tests.circle.player import Player, Wish
from tests.circle.truth import EVEN, SHARES, Talk, talks

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def play(
    count: Annotated[int, typer.Argument(help="Conversations.")],
    url: Annotated[str, typer.Option(envvar="CIRCLE_URL")],
    key: Annotated[str, typer.Option(envvar="CIRCLE_KEY")],
    seed: Annotated[int, typer.Option(envvar="CIRCLE_SEED")] = 20261123,
    first: Annotated[int, typer.Option(help="Number of the first conversation.")] = 0,
    at_once: Annotated[int, typer.Option(envvar="CIRCLE_AT_ONCE")] = 16,
    even: Annotated[
        bool, typer.Option(envvar="CIRCLE_EVEN", help="Rare categories more often, for a small run.")
    ] = False,
    turn_down: Annotated[list[str] | None, typer.Option(help="NODE=MODEL: turn down what it had a part in.")] = None,
) -> None:
    """Let patients write and a pharmacist decide by what is true; prints what became of it as JSON."""
    wish = Wish(dict(one.split("=", 1) for one in turn_down or []))
    made = [*talks(seed, first, count, EVEN if even else SHARES)]
    print(json.dumps(asyncio.run(_played(made, url, key, at_once, wish)), ensure_ascii=False))


async def _played(made: list[Talk], url: str, key: str, at_once: int, wish: Wish) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    began = time.monotonic()
    limits = httpx2.Limits(max_connections=at_once * 2)
    async with httpx2.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=90, limits=limits
    ) as http:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("conversations", total=len(made))
            player = Player(http, wish)
            counts = await player.play(made, at_once, lambda: bar.advance(task))
    seconds = time.monotonic() - began
    messages = sum(counts[name] for name in counts if name.startswith("outcome_"))
    return {"conversations": len(made), "messages": messages, "seconds": round(seconds, 1),
            "messages_per_second": round(messages / seconds, 1),
        "cost_usd_per_message": player.cost_usd / max(messages, 1), **dict(sorted(counts.items()))}  # fmt: skip


@app.command()
def base(
    file: Annotated[Path, typer.Argument(help="Training rows of the node, as exported.")],
    out: Annotated[Path, typer.Argument(help="Where those of other categories go.")],
    node: Annotated[str, typer.Argument()],
    others: Annotated[list[Path] | None, typer.Option("--other", help="Rows of another generator.")] = None,
) -> None:
    """Write the rows that the base student learns from, as tests/circle/base.toml fixes it."""
    lines = base_rows(node, file, others or [])
    out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(json.dumps({"rows": len(lines)}))


@app.command()
def figures(
    folder: Annotated[Path, typer.Argument(help="What the steps of a run have said.")],
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")],
) -> None:
    """Write a run's figures to a small file, and print them as the README shows them."""
    found = figures_of(folder)
    out.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(table(found))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Of exported files: NODE.SPLIT.jsonl, all of one pharmacy.")],
    played: Annotated[int, typer.Option(help="Conversations that were played.")],
    seed: Annotated[int, typer.Option(envvar="CIRCLE_SEED")] = 20261123,
    even: Annotated[bool, typer.Option(envvar="CIRCLE_EVEN", help="As they were played.")] = False,
) -> None:
    """Check exported files apart from the program. Exit status 1: something is wrong with one; each is named."""
    found = faults(sorted(folder.glob("*.jsonl")), [*talks(seed, 0, played, EVEN if even else SHARES)])
    print(json.dumps({"files": len([*folder.glob("*.jsonl")]), "faults": found}, ensure_ascii=False))
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    app()
