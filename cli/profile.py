"""`kakari profile`: how much an earlier answer may cost the pharmacy."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

_ACTOR = "command line"
_NAME = "thrifty, quick or quickest; default goes by KAKARI_PROFILE again. Unsaid: only show which one holds."


def profile(
    name: Annotated[str | None, typer.Argument(metavar="[PROFILE]", help=_NAME)] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the choice.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how much an earlier answer may cost the pharmacy, or choose it, from the next message on in every process.

    What is answered stays the same under each: only calls begin earlier.
    """
    from pharmacy.domain.profile import Profile

    allowed = [*Profile, "default"]
    if name is not None and name not in allowed:
        raise typer.BadParameter(f"{name!r}: expected one of {[str(one) for one in allowed]}", param_hint="PROFILE")

    async def work(database: "Database", settings: "Settings") -> dict[str, Any]:
        from pharmacy.storage import reply_profiles

        async with database.begin(settings.pharmacy_id) as tx:
            if name is not None:
                chosen = None if name == "default" else Profile(name)
                await reply_profiles.choose(tx, settings.pharmacy_id, _ACTOR, chosen, reason)
            return reply_profiles.told(await reply_profiles.newest(tx, settings.pharmacy_id), settings.profile)

    found = in_database(work)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, default=str))
        return
    print(f"{found['profile']}: {_whence(found)}")
    for each, price in found["prices"].items():
        mark = "*" if each == found["profile"] else " "
        p50, p95, cost = (f"{price[name]:.2f}" for name in ("p50_share", "p95_share", "cost_share"))
        print(f"{mark} {each:<9}  half of the replies within {p50}, 95% within {p95}, for {cost} times the cost")
    print("  of what the same flow takes step by step; see docs/decisions/0032-calls-may-begin-before-their-turn.md")


def _whence(found: dict[str, Any]) -> str:
    if not found["chosen"]:
        return "by KAKARI_PROFILE; the pharmacy has chosen nothing"
    return f"set by {found['set_by']}" + (f": {found['reason']}" if found["reason"] else "")
