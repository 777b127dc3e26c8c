"""`kakari check`: is everything as it must be; if not, what to do."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pharmacy.domain.errors import ConfigError

if TYPE_CHECKING:
    from pharmacy.domain.policy_file import PolicyFile


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str
    """`ok`, `warning` (it works, a person should know) or `wrong`."""

    said: str


def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at settings, flow, gates, models, prices, last days and database; exit 1 when something is wrong."""
    findings = _all()
    if as_json:
        print(json.dumps([finding.__dict__ for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.what:<10} {finding.said}")
    raise typer.Exit(any(finding.state == "wrong" for finding in findings))


def _all() -> list[Finding]:
    from graph.assemble import assemble_from
    from pharmacy.settings import read_settings

    try:
        settings = read_settings()
    except ConfigError as error:
        return [Finding("settings", "wrong", str(error))]
    file = None
    findings = [Finding("settings", "ok", f"KAKARI_HOME={settings.home}, KAKARI_PHARMACY_ID={settings.pharmacy_id}")]
    try:
        built = assemble_from(settings)
        flow, file = built.flow, built.policy
        nodes = {node: built.registry.describe(node) for node in built.registry.tables.nodes}
        closed = built.gates_closed_by
        findings += [
            Finding(
                "flow",
                "ok",
                f"{len(flow.categories)} categories, {len(flow.phases)} phases, {len(flow.criteria)} criteria",
            ),
            Finding("gates", "wrong" if closed else "ok", closed or "the rules are in force"),
            Finding(
                "models",
                "ok",
                f"{built.registry.mode}: " + ", ".join(f"{node}={model}" for node, model in nodes.items()),
            ),
            *(Finding("models", "warning", warning) for warning in built.registry.warnings),
        ]
    except ConfigError as error:
        findings.append(Finding("flow", "wrong", str(error)))
    return [*findings, *_database(file)]


def _database(file: "PolicyFile | None") -> list[Finding]:
    from cli.opened import in_database
    from pharmacy.storage import policy
    from pharmacy.storage.checks import database_findings

    async def work(database, settings):  # type: ignore[no-untyped-def]
        said = [Finding("database", "ok", f"{database.url_masked} at schema {database.revision}")]
        async with database.begin() as tx:
            found = await database_findings(tx, settings.pharmacy_id)
            allowed = await policy.findings(tx, settings.pharmacy_id, file) if file else []
        said += [Finding("database", state, words) for state, words in found]
        return said + [Finding("policy", state, words) for state, words in allowed]

    try:
        return in_database(work)
    except ConfigError as error:
        return [Finding("database", "wrong", str(error))]
