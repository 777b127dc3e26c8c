"""`kakari check`: is everything as it must be; if not, what to do."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pharmacy.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pharmacy.domain.policy_file import PolicyFile
    from pharmacy.models.registry import Registry
    from pharmacy.settings import Settings
    from pharmacy.storage.servings import Decided

ALONE = "an alarm that nobody acknowledges reaches nobody else: set KAKARI_ALARM_ESCALATION_MAIL_TO or ..._URL"


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
    file = registry = None
    findings = [Finding("settings", "ok", f"KAKARI_HOME={settings.home}, KAKARI_PHARMACY_ID={settings.pharmacy_id}")]
    try:
        built = assemble_from(settings)
        flow, file, registry = built.flow, built.policy, built.registry
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
            Finding("budgets", "ok", str(settings.budgets)),
            *(Finding("limits", "ok", str(limit)) for limit in registry.tables.model_limits.values()),
        ]
    except ConfigError as error:
        findings.append(Finding("flow", "wrong", str(error)))
    return [*findings, *_calling(settings), _keeping(settings), *_langsmith(settings), *_database(file, registry)]


def _calling(settings: "Settings") -> list[Finding]:
    from server.calling import NOBODY, alarm_channel, fixed_texts

    channel = alarm_channel(settings)
    told = f"told to {len(channel.urls(0))} addresses and {len(channel.mails(0))} people by mail"
    alarms = Finding("alarms", "warning", NOBODY) if channel.reaches_nobody else Finding("alarms", "ok", told)
    wider = channel.urls(1) != channel.urls(0) or channel.mails(1) != channel.mails(0)
    alone = [] if wider or channel.reaches_nobody else [Finding("alarms", "warning", ALONE)]
    try:
        texts = fixed_texts(settings)
    except ConfigError as error:
        return [alarms, *alone, Finding("texts", "wrong", str(error))]
    let = {"emergencies": texts.emergencies_sent, "handovers": texts.handovers_sent}
    said = ", ".join(name for name, sent in let.items() if sent) or "none is sent"
    return [alarms, *alone, Finding("texts", "ok", f"fixed texts: {said}")]


def _langsmith(settings: "Settings") -> list[Finding]:
    from pharmacy.domain.annotation import read_annotation_rule

    key, project = settings.langsmith_api_key is not None, settings.langsmith_project
    if settings.langsmith_tracing:
        at = settings.langsmith_endpoint or "its own address"
        said = f"on: redacted traces and decisions go to project {project!r} at {at}"
    elif key:
        said = "off: LANGSMITH_TRACING is not true, nothing is sent; datasets and annotations can be pushed and pulled"
    else:
        said = "off: no LANGSMITH_API_KEY; nothing leaves, and everything works on our own records"
    try:
        rule = read_annotation_rule(settings.annotation_file)
    except ConfigError as error:
        return [Finding("langsmith", "ok", said), Finding("langsmith", "wrong", str(error))]
    again = f"looked at again: refused, edited, under {rule.margin_under} above the bar, and {rule.sample_share:.0%}"
    return [Finding("langsmith", "ok", f"{said}; {again}" if settings.langsmith_tracing else said)]


def _keeping(settings: "Settings") -> Finding:
    from pharmacy.storage import retention

    try:
        rules = retention.load(settings.retention_file)
    except ConfigError as error:
        return Finding("retention", "wrong", str(error))
    return Finding("retention", "ok", f"{len(rules)} rules say how long rows are kept")


def _database(file: "PolicyFile | None", registry: "Registry | None") -> list[Finding]:
    from cli.opened import in_database
    from pharmacy.storage import policy, servings
    from pharmacy.storage.checks import database_findings

    async def work(database, settings):  # type: ignore[no-untyped-def]
        said = [Finding("database", "ok", f"{database.url_masked} at schema {database.revision}")]
        async with database.begin(settings.pharmacy_id) as tx:
            found = await database_findings(tx, settings.pharmacy_id)
            allowed = await policy.findings(tx, settings.pharmacy_id, file) if file else []
            decided = await servings.decided(tx, settings.pharmacy_id)
        said += [Finding("database", state, words) for state, words in found]
        said += [Finding("policy", state, words) for state, words in allowed]
        return said + (_served(registry, decided) if registry else [])

    try:
        return in_database(work)
    except ConfigError as error:
        return [Finding("database", "wrong", str(error))]


def _served(registry: "Registry", decided: "Mapping[str, Decided]") -> list[Finding]:
    """Return what has been decided of nodes where it is not what the file says, or cannot hold."""
    from distillation.taking_over import ACTOR
    from pharmacy.models.serving import first_serving

    found = []
    for node in registry.tables.nodes:
        first = first_serving(registry.table(node))
        if node not in decided and first.by != "teacher":
            told = f"{node}: {first.said} by the models file's word alone: no gate has let it, and nobody is on record"
            found.append(Finding("serving", "warning", told))
    for node, decision in decided.items():
        if node not in registry.tables.nodes:
            continue
        first, serving = first_serving(registry.table(node)), decision.serving
        if serving != first:
            who = f"{decision.set_by}, {decision.at:%Y-%m-%d %H:%M} UTC"
            found.append(Finding("serving", "warning", f"{node}: {serving.said} ({who}); the file says {first.said}"))
        if decision.set_by == ACTOR:
            told = f"{node}: the watch has let the teacher serve again: {decision.reason}"
            found.append(Finding("serving", "warning", told))
        if why := registry.why_not(node, serving):
            found.append(Finding("serving", "warning", f"{node}: the teacher serves all the same: {why}"))
    return found
