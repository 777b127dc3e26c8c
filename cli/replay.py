"""`kakari replay MESSAGE`: a past message through the flow again, then beside now; nothing is stored or sent."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from evaluation.replaying import Change, Replayed
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

_ACTOR = "command line"
_File = typer.Option(exists=True, help="In place of the served one.")


def replay(
    message: Annotated[str, typer.Argument(help="A message's id, as the API and the console show it.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="NODE=PROVIDER:NAME, NODE=teacher or NODE=student; may be given more than once."),
    ] = None,
    teachers: Annotated[bool, typer.Option("--teachers", help="Let no student answer.")] = False,
    prompts: Annotated[Path | None, _File] = None,
    flow: Annotated[Path | None, _File] = None,
    models_file: Annotated[Path | None, _File] = None,
    policy: Annotated[Path | None, _File] = None,
    conversation: Annotated[
        str | None, typer.Option(help="The message's conversation, where several have one of this id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a past message through the flow as it stood then, and print both outcomes, what differs first.

    Nothing is stored but a line of the audit trail. The patient's profile and the products are today's; where they
    were written since, it says so. A model's budget of the day is not touched. Exit status 1: there is no such message.
    """
    import structlog

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    files = {"flow_file": flow, "models_file": models_file, "prompts_folder": prompts, "policy_file": policy}
    change = _change(model or [], {name: file for name, file in files.items() if file}, teachers=teachers)

    async def work(database: "Database", settings: "Settings") -> "Replayed":
        return await _replayed(database, settings, message, change, conversation, quiet=as_json)

    replayed = in_database(work)
    print(json.dumps(_json(replayed), ensure_ascii=False, indent=2) if as_json else "\n".join(_told(replayed)))


async def _replayed(
    database: "Database", settings: "Settings", message: str, change: "Change", conversation: str | None, *, quiet: bool
) -> "Replayed":
    from rich.console import Console

    from cli.trial import open_endpoints, stand_in_line
    from evaluation.replaying import named_models, replay
    from graph.assemble import assemble_from

    instead = {name: Path(file) for name, file in change.files.items()}
    assembled = assemble_from(settings.model_copy(update=instead))
    stand_in_line(assembled, database)
    try:
        open_endpoints(assembled, settings, [*named_models(assembled, change).values()])
        with Console(stderr=True, quiet=quiet).status("asking …"):
            return await replay(database, settings.pharmacy_id, assembled, message, change, _ACTOR, conversation)
    finally:
        await assembled.registry.aclose()


def _change(models: list[str], files: dict[str, Path], *, teachers: bool) -> "Change":
    from evaluation.replaying import Change
    from pharmacy.domain.errors import ConfigError
    from pharmacy.models.model_name import ModelRef

    named: dict[str, str] = {}
    for one in models:
        node, _, ref = one.partition("=")
        try:
            if not node or node in named or not ref:
                raise ValueError("expected NODE=PROVIDER:NAME, each node once")
            named[node] = ref if ref in ("teacher", "student") else str(ModelRef.read(ref))
        except (ValueError, ConfigError) as error:
            raise typer.BadParameter(f"{one!r}: {error}", param_hint="--model") from None
    told = {name: str(file) for name, file in files.items()}
    return Change(named, teachers, own_policy="policy_file" in files, files=told)


def _json(of: "Replayed") -> dict[str, Any]:
    calls_now = [
        {"node": call.node, "model_asked": call.model_asked, "model_served": call.model_served,
         "prompt_fingerprint": call.prompt_fingerprint, "cost_usd": call.cost_usd, "seconds": call.seconds,
         "attempt": call.attempt, "error": call.error}
        for call in of.calls_now
    ]  # fmt: skip
    return {
        "message": of.message_id, "conversation_id": of.conversation_id, "differs": list(of.differs),
        "facts_changed_since": list(of.facts_changed_since), "asked_otherwise": list(of.asked_otherwise),
        "then": {**of.then, "calls": list(of.calls_then)}, "now": {**of.now, "calls": calls_now},
    }  # fmt: skip


def _told(of: "Replayed") -> list[str]:
    from evaluation.replaying import COMPARED

    lines = ["differs:" if of.differs else "nothing differs"]
    for name in of.differs:
        lines += [f"  {name}", f"    then  {_words(of.then.get(name))}", f"    now   {_words(of.now.get(name))}"]
    if of.facts_changed_since:
        lines.append(f"written since, and so as they are today: {', '.join(of.facts_changed_since)}")
    if of.asked_otherwise:
        lines.append(f"asked otherwise than then: {', '.join(of.asked_otherwise)}")
    same = [name for name in COMPARED if name not in of.differs and name in of.then]
    lines += [*(["the same:"] if same else []), *(f"  {name}: {_words(of.then[name])}" for name in same)]
    lines.append(f"cost in USD: then {_words(of.then.get('cost_usd'))}, now {_words(of.now.get('cost_usd'))}")
    return [*lines, f"message {of.message_id} of conversation {of.conversation_id}"]


def _words(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
