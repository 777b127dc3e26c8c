"""`kakari keys` and `kakari sign-in`: who may call."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database
from pharmacy.domain.rights import Right, Role

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)

Pharmacy = Annotated[str | None, typer.Option("--pharmacy", help="Which pharmacy; KAKARI_PHARMACY_ID when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ACTOR = "command line"


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for; shown in the audit trail.")],
    role: Annotated[Role | None, typer.Option(help="Whose rights it has; machine when nothing else is said.")] = None,
    right: Annotated[list[Right] | None, typer.Option(help="A single right; may be repeated.")] = None,
    pharmacy: Pharmacy = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once and kept as a hash only.

    Without --role and --right it may what the shop's own program needs: hand in messages, read, decide, keep facts.
    """
    _refuse_odd_name(name)
    scope = Role.MACHINE if role is None and not right else role

    async def work(database: "Database", settings: "Settings") -> str:
        from pharmacy.storage import access

        async with database.begin(pharmacy or settings.pharmacy_id) as tx:
            return await access.create_key(tx, pharmacy or settings.pharmacy_id, name, _ACTOR, scope, right or ())

    key = in_database(work)
    print(json.dumps({"name": name, "key": key}) if as_json else f"{key}\nKeep it now: it cannot be shown again.")


@app.command("list")
def list_keys(pharmacy: Pharmacy = None, as_json: AsJson = False) -> None:
    """List keys by name; the keys themselves are not kept."""

    async def work(database: "Database", settings: "Settings") -> list[dict[str, Any]]:
        from pharmacy.storage import access

        async with database.begin(pharmacy or settings.pharmacy_id) as tx:
            return await access.list_keys(tx, pharmacy or settings.pharmacy_id)

    rows = in_database(work)
    if as_json:
        print(json.dumps(rows))
    elif not rows:
        print("There is no key yet: kakari keys create --name NAME")
    else:
        for row in rows:
            print(
                f"{row['name']}  {' '.join(filter(None, [row['role'], *row['rights']]))}  made {row['created_at']}"
                + (f"  revoked {row['revoked_at']}" if row["revoked_at"] else "")
            )


@app.command()
def revoke(
    name: Annotated[str, typer.Option(help="The key's name.")], pharmacy: Pharmacy = None, as_json: AsJson = False
) -> None:
    """Make a key useless at once."""

    async def work(database: "Database", settings: "Settings") -> bool:
        from pharmacy.storage import access

        async with database.begin(pharmacy or settings.pharmacy_id) as tx:
            return await access.revoke_key(tx, pharmacy or settings.pharmacy_id, name, _ACTOR)

    if not in_database(work):
        typer.echo(f"kakari: there is no key named {name!r} in use; see `kakari keys list`", err=True)
        raise typer.Exit(1)
    print(json.dumps({"revoked": name}) if as_json else f"{name} is revoked.")


def sign_in(as_json: AsJson = False) -> None:
    """Print a link that signs one browser in, once, within 15 minutes."""

    async def work(database: "Database", settings: "Settings") -> str:
        from pharmacy.storage import access

        async with database.begin(settings.pharmacy_id) as tx:
            token = await access.create_link(tx, settings.pharmacy_id, "owner")
        here = settings.public_url or f"http://{settings.host}:{settings.port}"
        return f"{here}/sign-in?token={token}"

    link = in_database(work)
    print(json.dumps({"link": link}) if as_json else link)


def _refuse_odd_name(name: str) -> None:
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise typer.BadParameter(f"{name!r}: expected 1 to 80 visible characters", param_hint="--name")
