"""`kakari policy`: what may be sent automatically, and the switch that stops all of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.domain.policy import Policy
    from pharmacy.domain.policy_file import PolicyFile
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

app = typer.Typer(help="Automatic sending: what may go out by itself.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Why = Annotated[str, typer.Option(help="Why; kept with the setting.")]
_ACTOR = "command line"


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the policy that runs, where the kill switch stands, and what differs from the file."""

    async def work(database: "Database", settings: "Settings") -> dict[str, Any]:
        from pharmacy.domain.policy_file import differences
        from pharmacy.storage import policy

        file = _file(settings)
        async with database.begin(settings.pharmacy_id) as tx:
            now, set_last = (
                await policy.in_force(tx, settings.pharmacy_id, file),
                await policy.newest(tx, settings.pharmacy_id),
            )
            switch = await policy.switch_of(tx, settings.pharmacy_id)
        return {
            "version": now.version,
            "set_by": set_last.set_by if set_last else None,
            "set_at": set_last.at.isoformat() if set_last else None,
            "reason": set_last.reason if set_last else None,
            "policy": now.policy.model_dump(mode="json") if now.policy else None,
            "problem": now.problem or None,
            "kill_switch": {"on": switch.is_on, "set_by": switch.set_by, "reason": switch.reason},
            "differences": [*differences(now.policy, file)] if now.policy else [],
        }

    found = in_database(work)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"version {found['version']}" + (f", set by {found['set_by']}: {found['reason']}" if found["set_by"] else ""))
    print(f"kill switch: {'ON, nothing is sent automatically' if found['kill_switch']['on'] else 'off'}")
    for line in (*([found["problem"]] if found["problem"] else []), *found["differences"]):
        print(f"  {line}")
    print(json.dumps(found["policy"], ensure_ascii=False, indent=2))


@app.command("set")
def set_policy(
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            help="PLACE=VALUE: order_delivery.purchase=auto, hold_seconds=30, limits.per_day=50, marks.tone=4."
        ),
    ] = None,
    reason: Why = "",
    file: Annotated[
        Path | None, typer.Option(help="Take the first values of this policy file, then the changes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the next version of the policy: the one that runs with these changes, or a file's first values."""
    if not (changes or file):
        raise typer.BadParameter("expected PLACE=VALUE or --file", param_hint="CHANGES")
    if not reason.strip():
        raise typer.BadParameter("expected why the policy is changed", param_hint="--reason")

    async def work(database: "Database", settings: "Settings") -> int:
        from pharmacy.storage import policy

        ours = _file(settings)
        async with database.begin(settings.pharmacy_id) as tx:
            now = await policy.in_force(tx, settings.pharmacy_id, ours)
            begun = _file(settings, file).first if file else now.policy or ours.first
            changed = _checked(_changed(begun, changes or []), ours)
            return await policy.put(tx, settings.pharmacy_id, _ACTOR, changed, reason, now.version)

    version = in_database(work)
    print(json.dumps({"version": version}) if as_json else f"Version {version} of the policy runs.")


@app.command()
def export(as_json: AsJson = False) -> None:
    """Print the policy that runs as a policy file, to be reviewed and committed."""

    async def work(database: "Database", settings: "Settings") -> "tuple[Policy, PolicyFile]":
        from pharmacy.domain.errors import ConfigError
        from pharmacy.storage import policy

        file = _file(settings)
        async with database.begin(settings.pharmacy_id) as tx:
            now = await policy.in_force(tx, settings.pharmacy_id, file)
        if now.policy is None:
            raise ConfigError(f"policy: {now.problem}; set it anew")
        return now.policy, file

    from pharmacy.domain.policy_file import written

    running, file = in_database(work)
    print(
        json.dumps(running.model_dump(mode="json")) if as_json else written(running, file), end="\n" if as_json else ""
    )


@app.command()
def kill(reason: Why = "", as_json: AsJson = False) -> None:
    """Stop all automatic sending, on every process, at once; drafting goes on."""

    async def work(database: "Database", settings: "Settings") -> int:
        from pharmacy.storage import automatic_stop

        return (await automatic_stop.stop(database, settings.pharmacy_id, _ACTOR, reason))[1]

    taken = in_database(work)
    told = f"Automatic sending is stopped; {taken} waiting texts are suggestions now."
    print(json.dumps({"on": True, "taken_back": taken}) if as_json else told)


@app.command()
def release(reason: Why = "", as_json: AsJson = False) -> None:
    """Let automatic sending run again, as the policy says."""
    if not reason.strip():
        raise typer.BadParameter("expected why automatic sending may run again", param_hint="--reason")

    async def work(database: "Database", settings: "Settings") -> None:
        from pharmacy.storage import automatic_stop

        async with database.begin(settings.pharmacy_id) as tx:
            await automatic_stop.release(tx, settings.pharmacy_id, _ACTOR, reason)

    in_database(work)
    print(json.dumps({"on": False}) if as_json else "Automatic sending runs again, as the policy says.")


def _file(settings: "Settings", other: Path | None = None) -> "PolicyFile":
    from nodes.load import load_flow
    from pharmacy.domain.policy_file import load_policy

    return load_policy(other or settings.policy_file, load_flow(settings.flow_file))


def _changed(begun: "Policy", changes: list[str]) -> dict[str, Any]:
    body = begun.model_dump(mode="json")
    for change in changes:
        place, parted, value = change.partition("=")
        steps = place.split(".")
        # A category's name may stand for its table: nothing else in a policy has two steps and another first one.
        if len(steps) == 2 and steps[0] not in ("limits", "marks"):
            steps = ["modes", *steps]
        if not parted or not all(steps):
            raise typer.BadParameter(f"{change!r}: expected PLACE=VALUE", param_hint="CHANGES")
        table = body
        for step in steps[:-1]:
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                raise typer.BadParameter(f"{change!r}: {step} is no table of the policy", param_hint="CHANGES")
        table[steps[-1]] = int(value) if value.isdecimal() else value
    return body


def _checked(body: dict[str, Any], file: "PolicyFile") -> "Policy":
    from pharmacy.domain.errors import ConfigError
    from pharmacy.domain.policy import problems
    from pharmacy.storage.policy import policy_in

    try:
        policy = policy_in(body)
    except ValueError as error:
        raise ConfigError(f"policy: {error}") from None
    for place, value, expected in problems(policy, file.flow, file.bounds):
        raise ConfigError(f"policy: {'.'.join(place)} = {value!r}: {expected}")
    return policy
