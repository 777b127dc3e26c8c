"""What `kakari dataset` says of versions and files, in words and as JSON."""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from distillation.datasets.chat_file import CheckedFile
    from pharmacy.storage.datasets import DatasetVersion

_MOST_LINES = 20


def end(said: str, checked: "CheckedFile | None" = None) -> NoReturn:
    """Say it, name each fault with its place, and end with status 1."""
    lines = [said, *(places(checked, checked.faults) if checked else [])]
    print("\n".join(f"kakari: {line}" if not at else line for at, line in enumerate(lines)), file=sys.stderr)
    raise typer.Exit(1)


def places(checked: "CheckedFile", found: list[Any]) -> list[str]:
    """Return one line for each, the first twenty at most."""
    told = [f"{checked.path}:{one.line}: {one.says}" if one.line else f"{checked.path}: {one.says}" for one in found]
    return told[:_MOST_LINES] + ([f"… and {len(told) - _MOST_LINES} more"] if len(told) > _MOST_LINES else [])


def faults_json(checked: "CheckedFile") -> dict[str, Any]:
    """Return what `--json` prints of a file."""
    return {
        "fault_count": checked.fault_count,
        "faults": [{"line": fault.line, "says": fault.says} for fault in checked.faults],
        "notes": [{"line": note.line, "says": note.says} for note in checked.notes],
    }


def version_json(version: "DatasetVersion") -> dict[str, Any]:
    """Return what `--json` prints of a version."""
    return {"version": version.version, "node": version.node, "rows_hash": version.rows_hash,
            "built_by": version.built_by, "built_at": version.at.isoformat(), "lost": dict(version.lost),
            "manifest": dict(version.manifest)}  # fmt: skip


def version_line(version: "DatasetVersion") -> str:
    """Return a version in one line."""
    rows = " ".join(f"{split} {count}" for split, count in version.manifest["rows"].items())
    lost = f"  lost since {sum(version.lost.values())}" if version.lost else ""
    print_at = f"{version.at:%Y-%m-%d %H:%M}"
    return f"{version.version:<32} {print_at}  {rows}  prompt {version.prompt['fingerprint']}{lost}"


def version_told(version: "DatasetVersion") -> list[str]:
    """Return all of a version, line by line."""
    said = version.manifest
    lines = [
        version_line(version),
        f"  rows hash    {version.rows_hash}",
        f"  patients     {counts(said['patients'])}",
        f"  decisions    {counts(said['kinds'])}; weak {said['weak']}, critical {said['critical']}, "
        f"topped up {said['topped_up']}, in pairs {said['preference']}",
        f"  from, to     {said['from']}, {said['to']}",
        f"  made by      rules {said['rules']}, redaction {said['redaction']}",
        f"  left out     {counts(said['left_out'])}",
    ]
    if said.get("annotations"):
        lines.append(f"  annotations  {counts(said['annotations'])}")
    if version.lost:
        lines.append(f"  lost since   {counts(version.lost)}: erased, withdrawn, or no longer agreed to")
    lines.append("  category, phase                            rows   share   of all runs")
    return lines + [
        f"  {row['category'] + ', ' + row['phase']:<40} {row['rows']:>6}  {row['share']:>6.1%}  "
        f"{row['production_share']:>10.1%}"
        for row in said["strata"]
    ]


def counts(counted: Any) -> str:
    """Return names with their counts."""
    return ", ".join(f"{name} {count}" for name, count in counted.items()) or "nothing"
