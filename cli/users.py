"""`kakari users`: the accounts of people."""

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database
from pharmacy.domain.rights import PEOPLE, Right, Role

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database, Transaction

app = typer.Typer(help="Accounts of people: add, list, disable, give a role, reset.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name they sign in with; for a provider, their mail address.")]
Pharmacy = Annotated[str | None, typer.Option("--pharmacy", help="Which pharmacy; KAKARI_PHARMACY_ID when left out.")]
Rights = Annotated[list[Right] | None, typer.Option("--right", help="A right beside the role's; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
_ACTOR = "command line"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they are there for.")],
    right: Rights = None,
    pharmacy: Pharmacy = None,
    password_stdin: FromStdin = False,
    provider: Annotated[bool, typer.Option("--provider", help="No password: they sign in through it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account. Unless told otherwise it gets a password, which is shown once."""
    _refuse_odd(name, role)
    password = None if provider else _password(name, from_stdin=password_stdin)

    async def work(database: "Database", settings: "Settings") -> None:
        from pharmacy.storage import access_accounts, access_passwords

        kept = await access_passwords.hash_password(password) if password is not None else None
        new = access_accounts.NewAccount(name, role, tuple(right or ()), kept)
        pharmacy_id = pharmacy or settings.pharmacy_id
        async with database.begin(pharmacy_id) as tx:
            await _refuse_unknown(tx, pharmacy_id, own=pharmacy_id == settings.pharmacy_id)
            await access_accounts.add(tx, pharmacy_id, _ACTOR, new)

    in_database(work)
    _show(name, None if password_stdin else password, "made", as_json=as_json)


@app.command("list")
def list_users(pharmacy: Pharmacy = None, as_json: AsJson = False) -> None:
    """List accounts by name."""

    async def work(database: "Database", settings: "Settings") -> list[dict[str, Any]]:
        from pharmacy.storage import access_accounts

        async with database.begin(pharmacy or settings.pharmacy_id) as tx:
            return await access_accounts.listed(tx, pharmacy or settings.pharmacy_id)

    rows = in_database(work)
    if as_json:
        print(json.dumps(rows))
    elif not rows:
        print("There is no account yet: kakari users add NAME --role pharmacist")
    for row in rows if not as_json else []:
        marks = ["second factor"] if row["second_factor"] else []
        marks += [] if row["password"] else ["provider only"]
        marks += [f"disabled {row['disabled_at']}"] if row["disabled_at"] else []
        print("  ".join([row["name"], row["role"], *row["rights"], *marks]))


@app.command()
def disable(
    name: Name,
    pharmacy: Pharmacy = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shut an account out at once, its open sessions too."""

    async def change(tx: "Transaction", row: Any) -> None:
        from pharmacy.storage import access_accounts

        await (access_accounts.enable if undo else access_accounts.disable)(tx, row, _ACTOR)

    _change(name, pharmacy, change)
    _show(name, None, "let in again" if undo else "shut out", as_json=as_json)


@app.command()
def role(
    name: Name,
    new: Annotated[Role, typer.Argument(metavar="ROLE", help="What they are there for from now on.")],
    right: Rights = None,
    pharmacy: Pharmacy = None,
    as_json: AsJson = False,
) -> None:
    """Give another role, and exactly the rights named beside it; open sessions end."""
    _refuse_odd(name, new)

    async def change(tx: "Transaction", row: Any) -> None:
        from pharmacy.storage import access_accounts

        await access_accounts.change_rights(tx, row, _ACTOR, new, right or ())

    _change(name, pharmacy, change)
    _show(name, None, f"{new} now", as_json=as_json)


@app.command()
def reset(name: Name, pharmacy: Pharmacy = None, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give a new password and take the second factor away, for whoever lost either; open sessions end."""
    password = _password(name, from_stdin=password_stdin)

    async def change(tx: "Transaction", row: Any) -> None:
        from pharmacy.storage import access_accounts, access_passwords

        await access_accounts.reset(tx, row, _ACTOR, await access_passwords.hash_password(password))

    _change(name, pharmacy, change)
    _show(name, None if password_stdin else password, "reset", as_json=as_json)


def _change(name: str, pharmacy: str | None, change: Any) -> None:
    async def work(database: "Database", settings: "Settings") -> None:
        from pharmacy.storage import access_accounts
        from pharmacy.storage.refusals import NotHere

        pharmacy_id = pharmacy or settings.pharmacy_id
        async with database.begin(pharmacy_id) as tx:
            row = await access_accounts.named(tx, pharmacy_id, name)
            if row is None:
                raise NotHere(f"account {name!r}: there is none; see `kakari users list`")
            await change(tx, row)

    in_database(work)


async def _refuse_unknown(tx: "Transaction", pharmacy_id: str, *, own: bool) -> None:
    from pharmacy.storage import pharmacies

    if own:  # its first start may still lie ahead
        await pharmacies.add(tx, pharmacy_id)
        return
    if pharmacy_id not in (known := await pharmacies.every(tx)):
        raise typer.BadParameter(f"{pharmacy_id!r}: expected one of {known}", param_hint="--pharmacy")


def _password(name: str, *, from_stdin: bool) -> str:
    from pharmacy.storage import access_passwords

    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else access_passwords.new_password()
    if why := access_passwords.weak(password, name):
        raise typer.BadParameter(f"the password: {why}", param_hint="--password-stdin")
    return password


def _refuse_odd(name: str, role: Role) -> None:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r}: expected small letters, digits and . _ @ + -", param_hint="NAME")
    if role not in PEOPLE:
        raise typer.BadParameter(f"{role.value!r}: expected one of {[r.value for r in PEOPLE]}", param_hint="ROLE")


def _show(name: str, password: str | None, done: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"name": name} | ({"password": password} if password else {})))
        return
    print(f"{name} is {done}.")
    if password:
        print(f"Password: {password}\nIt cannot be shown again.")
