"""`kakari budget`: what models may cost and what they have cost, and how long each limited model's queue is."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.domain.budget import Cap, Rate, Spend
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database


def budget(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print what is used of the pharmacy's budgets of today and this month in Japan, and how models are limited.

    Exit status 1: a budget of the pharmacy is used up.
    """
    found = in_database(_found)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(_told(found)))
    raise typer.Exit(any(period["reached"] for period in (found["day"], found["month"])))


async def _found(database: "Database", settings: "Settings") -> dict[str, Any]:
    from pharmacy.models.tables import read_tables
    from pharmacy.storage import model_queue, spending

    limits, budgets = read_tables(settings.models_file).model_limits, settings.budgets
    async with database.begin(settings.pharmacy_id) as tx:
        day, month = await spending.spent(tx)
        waits = await model_queue.waits(tx, limits)
    return {
        "day": _used(day, budgets.in_all, budgets.rate),
        "month": _used(month, budgets.in_all_month, budgets.rate),
        "patient": {"day": _bounds(budgets.patient), "month": _bounds(budgets.patient_month)},
        "cheaper_from": budgets.cheaper_from,
        "yen_per_usd": budgets.rate.yen_per_usd,
        "models": [
            {"model": name, "requests_per_minute": limit.requests_per_minute,
             "tokens_per_minute": limit.tokens_per_minute, "wait_seconds": round(waits[name], 1)}
            for name, limit in limits.items()
        ],
    }  # fmt: skip


def _used(spent: "Spend", cap: "Cap", rate: "Rate") -> dict[str, Any]:
    return {
        "tokens": spent.tokens, "yen": rate.yen(spent.cost_usd), "yen_by_estimate": rate.yen(spent.guessed_usd),
        "of": _bounds(cap), "share": round(cap.used_part(spent, rate), 3), "reached": bool(cap.reached(spent, rate)),
    }  # fmt: skip


def _bounds(cap: "Cap") -> dict[str, int | None]:
    return {"tokens": cap.tokens, "yen": cap.yen}


def _told(found: dict[str, Any]) -> list[str]:
    lines = [f"{name:<8} {_line(found[period])}" for name, period in (("today", "day"), ("month", "month"))]
    for name, period in (("today", "day"), ("month", "month")):
        lines.append(f"{name:<8} for each patient {_most(found['patient'][period])}")
    lines.append(f"cheaper  from {found['cheaper_from']:.0%} of any bound on, at nodes that name a cheaper model")
    lines.append(f"rate     {found['yen_per_usd']:g} yen per US dollar")
    for of in found["models"]:
        each = ((of["requests_per_minute"], "requests"), (of["tokens_per_minute"], "tokens"))
        said = " and ".join(f"{most} {what}" for most, what in each if most is not None)
        lines.append(f"limit    {of['model']}: {said} a minute; a reply waits {of['wait_seconds']:g} s now")
    return lines


def _line(used: dict[str, Any]) -> str:
    guessed = f", {used['yen_by_estimate']} by estimate" if used["yen_by_estimate"] else ""
    full = "; USED UP" if used["reached"] else ""
    return f"{used['share']:>4.0%}  {used['tokens']} tokens, {used['yen']} yen{guessed} of {_most(used['of'])}{full}"


def _most(of: dict[str, int | None]) -> str:
    said = [f"{most} {what}" for what, most in of.items() if most is not None]
    return " and ".join(said) or "unlimited"
