"""Write the record of messages: one JSON object a line, or a table that a spreadsheet can open safely."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from pharmacy.storage.audit_record import Wanted
    from pharmacy.storage.database import Database

FORMULA_STARTS = tuple("=+-@＝＋－＠\t\r\n")
"""What a spreadsheet may take for the beginning of a formula, in both widths."""

COLUMNS = (
    "message_id", "conversation_id", "patient_id", "channel", "received_at", "sent_at", "version", "kind", "text",
    "gates", "outcome", "outcome_at", "category", "phase", "reason", "tier", "models", "prompts", "attempts", "drafts",
    "marks", "decisions", "reply", "reply_state", "reply_by", "reply_sent_at", "automatic", "policy_version",
    "overridden", "override_reason", "text_hash", "retry_key", "audit_rows",
)  # fmt: skip


async def written(database: "Database", pharmacy_id: str, wanted: "Wanted", form: str, out: Path | None) -> int:
    """Write every wanted record to `out`, or the screen, and return how many there were; the trail says so too."""
    from rich.console import Console
    from rich.progress import Progress

    from pharmacy.storage import audit, audit_record

    async with database.begin(pharmacy_id) as tx:
        total = await audit_record.count(tx, pharmacy_id, wanted)
    done = 0
    with _opened(out) as file, Progress(console=Console(stderr=True), transient=True, disable=out is None) as bar:
        task, write = bar.add_task("records", total=total), _writer(file, form)
        async for record in audit_record.records(database, pharmacy_id, wanted):
            write(record)
            done += 1
            bar.update(task, completed=done)
    said = {"format": form, "records": done, "message": wanted.message_id,
            "from": audit_record.in_japan(wanted.since), "before": audit_record.in_japan(wanted.before)}  # fmt: skip
    async with database.begin(pharmacy_id) as tx:
        await audit.append(tx, pharmacy_id, "command line", "record_exported", pharmacy_id, said)
    return done


def guarded(cell: object) -> str:
    """Return a cell's text such that no spreadsheet runs it: a patient may write a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" \u3000").startswith(FORMULA_STARTS) else text


def row_of(record: dict[str, Any]) -> list[str]:
    """Return a record as one row of `COLUMNS`; what there may be several of is joined by `; `."""
    message, outcome, sends = record["message"], record["outcome"] or {}, record["sends"]
    calls, reason = (record["run"] or {}).get("calls", []), outcome.get("reason") or {}
    marks = (record["drafts"][-1].get("judgement") or {}) if record["drafts"] else {}
    cells: dict[str, object] = {
        **{name: message[name] for name in COLUMNS[1:9]},
        "message_id": message["id"],
        "gates": _joined(f"{hit['rule']} ({hit['tier']})" for hit in record["gates"]),
        "outcome": outcome.get("kind"),
        "outcome_at": outcome.get("at"),
        "category": outcome.get("category"),
        "phase": outcome.get("phase"),
        "reason": _joined(filter(None, (reason.get("code"), reason.get("detail")))),
        "tier": reason.get("tier"),
        "models": _joined(f"{node}={model}" for node, model in (outcome.get("models") or {}).items()),
        "prompts": _joined({f"{call['node']}={call['prompt_fingerprint']}": None for call in calls}),
        "attempts": len(calls),
        "drafts": len(record["drafts"]),
        "marks": _joined(f"{name}={of['mark']}/{of['bar']}" for name, of in marks.items()),
        "decisions": _joined(f"{of['at']} {of['by']} {of['decided']}" for of in record["decisions"]),
        "reply": _joined(of["text"] for of in sends),
        "reply_state": _joined(of["state"] for of in sends),
        "reply_by": _joined(of["sent_by"] for of in sends),
        "reply_sent_at": _joined(of["sent_at"] or "" for of in sends),
        "automatic": _joined("yes" if of["automatic"] else "no" for of in sends),
        "policy_version": _joined(str(of["policy_version"] or "") for of in sends),
        "overridden": _joined(rule for of in sends for rule in of["overridden"]),
        "override_reason": _joined(of["reason"] or "" for of in sends),
        "text_hash": _joined(of["text_hash"] for of in sends),
        "retry_key": _joined(of["retry_key"] for of in sends),
        "audit_rows": _joined(f"{of['seq']} {of['action']} {of['actor']}" for of in record["audit"]),
    }
    return [guarded(cells[name]) for name in COLUMNS]


def _joined(parts: Any) -> str:
    return "; ".join(parts)


def _writer(file: TextIO, form: str) -> Callable[[dict[str, Any]], None]:
    if form == "jsonl":
        return lambda record: print(json.dumps(record, ensure_ascii=False), file=file)
    table = csv.writer(file, quoting=csv.QUOTE_ALL)
    table.writerow(COLUMNS)
    return lambda record: table.writerow(row_of(record))


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        place = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"{out}: {error.strerror}; expected a new file", param_hint="--out") from None
    # With its mark: a spreadsheet takes Japanese for something else without it.
    with os.fdopen(place, "w", encoding="utf-8-sig" if out.suffix == ".csv" else "utf-8", newline="") as file:
        yield file
