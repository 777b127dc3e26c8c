"""`kakari audit`: does the trail hold, what is its head, and the record that a pharmacy has to show."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.audit_verify import Head, Verdict
    from pharmacy.storage.database import Database

app = typer.Typer(help="The audit trail: verify it, note its head, export the record.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Found:
    """What was found of one pharmacy's trail."""

    pharmacy_id: str
    verdict: "Verdict"
    sends: int
    unexplained: list[tuple[str, tuple[str, ...]]]

    @property
    def holds(self) -> bool:
        """True when every row follows and every send is explained."""
        return self.verdict.broken is None and not self.unexplained

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints of it."""
        broken = self.verdict.broken
        return {
            "pharmacy": self.pharmacy_id,
            "holds": self.holds,
            "rows": self.verdict.rows,
            "head": self.verdict.head.told,
            "broken": {"row": broken.seq, "says": broken.says} if broken else None,
            "sends": self.sends,
            "unexplained": [{"outbox_id": of, "missing": list(missing)} for of, missing in self.unexplained],
        }

    def told(self) -> list[str]:
        """Return what is printed of it."""
        broken = self.verdict.broken
        of_chain = f"row {broken.seq}: {broken.says}" if broken else f"{self.verdict.rows} rows hold"
        lines = [
            f"{self.pharmacy_id}  {of_chain}; {self.sends - len(self.unexplained)} of {self.sends} sends explained"
        ]
        return lines + [f"{self.pharmacy_id}  send {of}: not to be found: {', '.join(m)}" for of, m in self.unexplained]


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="SEQ:HASH that `audit head` printed before; the trail must still hold it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk every pharmacy's trail (with --head: this one's); exit 1 and name the first row that does not hold."""
    known = _head_from(head)

    async def work(database: "Database", settings: "Settings") -> list[Found]:
        from pharmacy.storage import pharmacies

        ids = [settings.pharmacy_id] if known else await pharmacies.served(database)
        return [await _walk(database, of, known, quiet=as_json) for of in ids or [settings.pharmacy_id]]

    found = in_database(work)
    if as_json:
        print(json.dumps({"holds": all(of.holds for of in found), "pharmacies": [of.as_json() for of in found]}))
    else:
        print("\n".join(line for of in found for line in of.told()))
    raise typer.Exit(not all(of.holds for of in found))


@app.command()
def head(as_json: AsJson = False) -> None:
    """Print each trail's newest row as SEQ:HASH. Note it elsewhere: `verify --head` then shows what was taken away."""

    async def work(database: "Database", settings: "Settings") -> dict[str, str]:
        from pharmacy.storage import audit_verify, pharmacies

        ids = await pharmacies.served(database) or [settings.pharmacy_id]
        heads = {}
        for pharmacy_id in ids:
            async with database.begin(pharmacy_id) as tx:
                heads[pharmacy_id] = (await audit_verify.head(tx, pharmacy_id)).told
        return heads

    heads = in_database(work)
    print(json.dumps(heads) if as_json else "\n".join(f"{of}  {told}" for of, told in heads.items()))


@app.command()
def export(
    message: Annotated[str | None, typer.Option(help="One message's id.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="The first day in Japan, or a time with its offset.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day in Japan, or a time with its offset.")] = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    out: Annotated[Path | None, typer.Option(help="A new file, readable by its owner only; else the screen.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
) -> None:
    """Write each message's record: what came when, gates, models, marks, decisions, and what was sent by whom."""
    from cli.audit_writing import written
    from pharmacy.storage.audit_record import Wanted

    if form not in ("jsonl", "csv") or (as_json and form == "csv"):
        raise typer.BadParameter(f"{form!r}: expected jsonl or csv", param_hint="--format")
    try:
        wanted = Wanted.read(message, since, until)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from/--to") from None

    async def work(database: "Database", settings: "Settings") -> int:
        return await written(database, settings.pharmacy_id, wanted, form, out)

    count = in_database(work)
    if message is not None and count == 0:
        typer.echo(f"kakari: there is no message {message!r}", err=True)
        raise typer.Exit(1)
    if out is not None:
        print(json.dumps({"written": count, "file": str(out)}) if as_json else f"{count} records are in {out}.")


async def _walk(database: "Database", pharmacy_id: str, known: "Head | None", *, quiet: bool) -> Found:
    from rich.console import Console
    from rich.progress import Progress

    from pharmacy.storage import audit_explain, audit_verify

    async with database.begin(pharmacy_id) as tx:
        rows = await audit_verify.length(tx, pharmacy_id)
        with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
            task = bar.add_task(f"audit of {pharmacy_id}", total=rows)
            verdict = await audit_verify.verify(
                tx, pharmacy_id, known=known, walked=lambda walked: bar.update(task, completed=walked)
            )
    sends, unexplained = 0, []
    async with database.begin(pharmacy_id) as tx:
        async for of in audit_explain.explanations(tx, pharmacy_id):
            sends += 1
            if of.missing:
                unexplained.append((str(of.outbox_id), of.missing))
    return Found(pharmacy_id, verdict, sends, unexplained)


def _head_from(words: str | None) -> "Head | None":
    from pharmacy.storage.audit_verify import Head

    try:
        return Head.read(words) if words is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--head") from None
