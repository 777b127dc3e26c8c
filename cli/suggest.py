"""`kakari suggest TEXT`: one message through the flow, printed with its trail; nothing is stored or sent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from graph.state import RunModels
    from pharmacy.domain.outcome import Outcome

CONVERSATION = "suggest"


def suggest(
    text: Annotated[str, typer.Argument(help="The patient's message.")],
    phase: Annotated[str | None, typer.Option(help="The conversation's phase; the flow's first when left out.")] = None,
    patient: Annotated[Path | None, typer.Option(help="A JSON file with the patient's profile.")] = None,
    instruction: Annotated[str, typer.Option(help="A wish for the draft, as a pharmacist would give it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run one message through the flow on the shipped products, and print the outcome with its trail."""
    import asyncio
    import json

    import structlog

    # The trail below says what the log would.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    if not text.strip():
        raise typer.BadParameter(f"{text!r}: expected a message", param_hint="TEXT")
    outcome, models = asyncio.run(_run(text, phase, _profile(patient), instruction))
    if as_json:
        print(json.dumps(_json(outcome, models), ensure_ascii=False, indent=2))
    else:
        _show(outcome, models)


async def _run(text: str, phase: str | None, profile: dict[str, Any], instruction: str) -> "tuple[Outcome, RunModels]":
    from datetime import UTC, datetime

    from graph.assemble import assemble_from
    from graph.state import Request, RunContext
    from nodes.screen import Standing
    from pharmacy.domain.catalogue import Catalogue
    from pharmacy.domain.conversation import Author, Transcript, Turn
    from pharmacy.domain.patient_profile import patient_from
    from pharmacy.domain.products.read import product_from, shipped
    from pharmacy.settings import read_settings

    settings = read_settings()
    built = assemble_from(settings)
    phase = phase or built.flow.first_phase
    if phase not in built.flow.phases:
        raise typer.BadParameter(f"{phase!r}: expected one of {[*built.flow.phases]}", param_hint="--phase")
    now = datetime.now(UTC)
    standing = Standing(now, patient_from(CONVERSATION, profile), first_contact=True)
    catalogue = Catalogue(tuple(product_from(product_id, body) for product_id, body in shipped().items()))
    context = RunContext(built.models_for_run(), catalogue, profile=settings.profile)
    request = Request(Transcript((Turn(Author.PATIENT, text, now),)), standing, phase, instruction=instruction)
    try:
        return await built.replies.run(request, context), context.models
    finally:
        await built.registry.aclose()


def _profile(file: Path | None) -> dict[str, Any]:
    import json

    if file is None:
        return {}
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{str(file)!r}: {error}; expected a JSON object", param_hint="--patient") from error
    if not isinstance(read, dict):
        raise typer.BadParameter(
            f"{str(file)!r}: expected a JSON object, as PUT /v1/patients takes it", param_hint="--patient"
        )
    return read


def _json(outcome: "Outcome", models: "RunModels") -> dict[str, Any]:
    from pharmacy.domain.outcome_json import drafts_json, outcome_json, steps_json

    calls = [
        {"node": call.node, "model": call.model_served or call.model_asked, "prompt_tokens": call.prompt_tokens,
         "completion_tokens": call.completion_tokens, "cost_usd": call.cost_usd, "seconds": call.seconds,
         "attempt": call.attempt, "error": call.error}
        for call in models.calls
    ]  # fmt: skip
    return outcome_json(outcome, CONVERSATION, 1) | {
        "held_for": list(outcome.held_for),
        "trail": steps_json(outcome.steps),
        "earlier_drafts": drafts_json(outcome.drafts),
        "calls": calls,
    }


def _show(outcome: "Outcome", models: "RunModels") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if outcome.reply is not None:
        console.print(f"{outcome.reply}\n")
    if outcome.reason is not None:
        tier = f" (tier {outcome.reason.tier})" if outcome.reason.tier else ""
        console.print(f"handed over{tier}: {outcome.reason.code}: {outcome.reason.detail}\n")
    for name, mark in (outcome.judgement.marks if outcome.judgement else {}).items():
        console.print(f"  {name:<18} {mark.mark}/5  bar {mark.bar}  {mark.reason}")
    trail = Table(
        "node",
        "says",
        "seconds",
        title=f"{outcome.kind}: {outcome.category or 'no category'}, {outcome.phase}",
        title_justify="left",
    )
    for step in outcome.steps:
        trail.add_row(step.node, step.says, f"{step.seconds:.3f}")
    console.print(trail)
    cost = "unknown" if outcome.cost_usd is None else f"{outcome.cost_usd:.6f} USD"
    console.print(f"drafts {len(outcome.drafts)}, model calls {len(models.calls)}, cost {cost}")
    for node, model in outcome.models.items():
        console.print(f"  {node}: {model}")
