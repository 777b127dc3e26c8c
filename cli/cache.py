"""`kakari cache`: whether repeated questions are answered from memory, and what memory has answered."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from evaluation.near_questions import Measured
    from pharmacy.domain.repeated.caching import Caching
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

_ACTOR = "command line"

app = typer.Typer(help="Answer repeated questions from what pharmacists approved.", no_args_is_help=True)

_SET = typer.Option(exists=True, help="A written set in place of the shipped one.")
_REASON = Annotated[str, typer.Option(help="Why; kept with the choice.")]


@app.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what the pharmacy answers from memory, and how often it did."""
    _tell(None, "", as_json=as_json)


@app.command("on")
def on(
    near: Annotated[bool, typer.Option("--near", help="The same question in other words too.")] = False,
    category: Annotated[list[str] | None, typer.Option(help="Only this one; may be given again.")] = None,
    reason: _REASON = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Answer repeated questions from memory, from the next message on in every process.

    Only in categories that the flow file marks cacheable, only what a pharmacist sent unchanged, never
    with a word about the patient. A reply from memory is judged as any other is.
    """
    from pharmacy.domain.repeated.caching import Caching, Recall

    named = frozenset(category) if category else None
    _tell(Caching(Recall.NEAR if near else Recall.EXACT, named), reason, as_json=as_json)


@app.command("off")
def off(reason: _REASON = "", as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Answer every message anew again, from the next one on in every process; what is remembered stays."""
    from pharmacy.domain.repeated.caching import Caching

    _tell(Caching(), reason, as_json=as_json)


@app.command("forget")
def forget() -> None:
    """Forget every remembered question of the pharmacy; replies and records stay as they are."""

    async def work(database: "Database", settings: "Settings") -> int:
        from pharmacy.storage import audit, reply_cache

        async with database.begin(settings.pharmacy_id) as tx:
            gone = await reply_cache.forget(tx, settings.pharmacy_id)
            await audit.append(
                tx, settings.pharmacy_id, _ACTOR, "cache_forgotten", settings.pharmacy_id, {"questions": gone}
            )
            return gone

    print(f"{in_database(work)} questions forgotten")


@app.command("bar")
def bar(
    wrong_under: Annotated[
        float | None, typer.Option(min=0.001, max=0.5, help="The upper bound's limit; unsaid, what bars.toml says.")
    ] = None,
    chosen_on: Annotated[Path | None, _SET] = None,
    measured_on: Annotated[Path | None, _SET] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose how like two questions must be on one written set, and measure hits and wrong hits on another.

    Exit status 1: no bar keeps wrong hits low enough on the first set, or the second set's own bound is higher.
    """
    from evaluation.near_questions import CHOSEN_ON, MEASURED, compared, lowest_bar, measured, read_pairs
    from pharmacy.domain.repeated.bars import wrong_under as stated
    from pharmacy.models.local.embedder import NgramEmbedder

    limit, embedder = wrong_under or stated(), NgramEmbedder()
    pairs = asyncio.run(compared(read_pairs(chosen_on or CHOSEN_ON), embedder.embed))
    found = lowest_bar(pairs, limit)
    if found is None:
        print(f"no bar keeps the wrong hits' upper bound under {limit:.1%} on {len(pairs)} pairs")
        raise typer.Exit(1)
    other = measured(asyncio.run(compared(read_pairs(measured_on or MEASURED), embedder.embed)), found.bar)
    if as_json:
        sets = {"chosen_on": _figures(found), "measured_on": _figures(other)}
        print(json.dumps({"embedder": embedder.name, "bar": found.bar, "wrong_under": limit} | sets))
    else:
        print(f"{embedder.name}: bar {found.bar:.2f}, wrong hits' upper bound to be under {limit:.1%}")
        print(f"chosen on    {_said(found)}")
        print(f"measured on  {_said(other)}")
        wrong = ", ".join(f"{kind} {share.hits} of {share.of}" for kind, share in other.wrong_by_kind.items())
        print(f"wrong by kind: {wrong}")
    raise typer.Exit(other.wrong.interval[1] >= limit)


def _figures(found: "Measured") -> dict[str, Any]:
    shares = {"hits": found.hits, "wrong": found.wrong}
    return {name: {"count": s.hits, "of": s.of, "share": s.value, "interval": s.interval} for name, s in shares.items()}


def _said(found: "Measured") -> str:
    told = (
        f"{share.value:.1%} ({share.interval[0]:.1%} to {share.interval[1]:.1%}; {share.hits} of {share.of})"
        for share in (found.hits, found.wrong)
    )
    return "hits {}, wrong hits {}".format(*told)


def _tell(wanted: "Caching | None", reason: str, *, as_json: bool) -> None:
    async def work(database: "Database", settings: "Settings") -> dict[str, Any]:
        from nodes.load import load_flow
        from pharmacy.domain.repeated.caching import Caching
        from pharmacy.storage import reply_cache, reply_caching

        cacheable = [c.name for c in load_flow(settings.flow_file).machine_categories if c.cacheable]
        if unknown := sorted((wanted.categories or frozenset()) - {*cacheable} if wanted else ()):
            raise typer.BadParameter(f"{unknown}: expected some of {cacheable}", param_hint="--category")
        async with database.begin(settings.pharmacy_id) as tx:
            if wanted is not None:
                await reply_caching.choose(tx, settings.pharmacy_id, _ACTOR, wanted, reason)
            chosen = await reply_caching.newest(tx, settings.pharmacy_id)
            counted = await reply_cache.counted(tx, settings.pharmacy_id)
        caching = chosen.caching if chosen else Caching()
        return {
            "recall": caching.recall.value,
            "categories": [name for name in cacheable if caching.covers(name)],
            "set_by": chosen.set_by if chosen else None,
            "reason": chosen.reason if chosen else None,
            "questions": counted,
        }

    found = in_database(work)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    who = f" (set by {found['set_by']})" if found["set_by"] else ""
    print(f"{found['recall']}{who}: {', '.join(found['categories']) or 'no category is answered from memory'}")
    counted = found["questions"]
    print(f"questions heard {counted['heard']}; answered by the same words {counted['exact']}, near {counted['near']}")
