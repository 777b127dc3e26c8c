"""`kakari erase`: remove everything that is kept of one patient."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from pharmacy.storage.erasure import Erased

_ACTOR = "command line"
_OUT_OF_REACH = (
    "Out of reach: answers that a provider keeps of nodes with `store = true` in the models file; "
    "delete those in the provider's own console. So are traces that LangSmith has under pseudonyms, files that "
    "datasets were exported to, and students trained from these."
)


def erase(
    patient: Annotated[str | None, typer.Argument(help="The patient's id.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="After a restore: everyone on the list KAKARI_HOME/erasures.jsonl.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; needs --yes.")] = False,
) -> None:
    """Remove everything that is kept of a patient: messages, drafts, calls, files, jobs, texts to send.

    The audit trail keeps ids and a hash. Out of reach is what a provider keeps of nodes with `store = true`, and what
    LangSmith has under pseudonyms: delete those in their own consoles. Exit status 1: nothing is known of such a
    patient, or you said no.
    """
    if (patient is None) != again:
        raise typer.BadParameter("expected a patient's id, or --again", param_hint="PATIENT")
    whom = f"patient {patient!r}" if patient else "every patient on the list of erasures"
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise typer.BadParameter("expected --yes where nobody can be asked", param_hint="--yes")
        typer.confirm(f"Erase everything of {whom}? It cannot be undone", abort=True)
    if patient is None:
        count = _erase_again()
        print(json.dumps({"erased": count}) if as_json else f"{count} patients of the list were there and are erased.")
        return
    erased = _erase(patient, as_json=as_json)
    print(json.dumps(_as_json(erased)) if as_json else _told(patient, erased))
    raise typer.Exit(0 if erased.found_anything or erased.before else 1)


def _erase(patient: str, *, as_json: bool) -> "Erased":
    from rich.console import Console

    async def work(database: "Database", settings: "Settings") -> "Erased":
        from pharmacy.storage import erasure, erasure_index

        reference = erasure.reference_of(settings.pharmacy_id, patient)
        erasure_index.note(settings.home, settings.pharmacy_id, reference)
        with Console(stderr=True, quiet=as_json).status("looking …") as status:
            return await erasure.erase(
                database, settings.pharmacy_id, patient, _ACTOR, lambda table: status.update(f"erasing {table} …")
            )

    return in_database(work)


def _erase_again() -> int:
    async def work(database: "Database", settings: "Settings") -> int:
        from pharmacy.storage import erasure_index

        references = erasure_index.noted(settings.home, settings.pharmacy_id)
        return await erasure_index.erase_again(database, settings.pharmacy_id, references, _ACTOR)

    return in_database(work)


def _as_json(erased: "Erased") -> dict[str, object]:
    return {
        "erased": erased.found_anything,
        "reference": erased.reference,
        "rows": erased.rows,
        "jobs": erased.jobs,
        "erased_before": erased.before.isoformat() if erased.before else None,
    }


def _told(patient: str, erased: "Erased") -> str:
    if erased.found_anything:
        rows = ", ".join(f"{table} {count}" for table, count in sorted(erased.rows.items()))
        return (
            f"Patient {patient!r} is erased: {rows}; jobs {erased.jobs}.\n"
            f"Reference for the record: {erased.reference}\n{_OUT_OF_REACH}"
        )
    if erased.before:
        return f"Patient {patient!r} was erased on {erased.before:%Y-%m-%d %H:%M} UTC; nothing has been kept since."
    return f"Nothing is known of a patient {patient!r}, and nothing was ever erased."
