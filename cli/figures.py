"""`kakari figures`: what replies cost, how many the machine gave alone, how fast, and what patients did then."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import in_database

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from server.figures_told import CallsOut, CountedShareOut, PharmacyFiguresOut, SecondsOut, WayOut, YenOut

_DAY = ["%Y-%m-%d"]


def figures(
    first: Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="The first day, in Japan.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="The last day; unsaid, today.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=366, help="As many days up to --to; unsaid, 30.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as GET /v1/figures answers.")] = False,
) -> None:
    """Count the pharmacy's figures from its records: cost, automation, reply times, drafts, what students saved."""
    from server.errors import Refused

    async def work(database: "Database", settings: "Settings") -> "PharmacyFiguresOut":
        from graph.assemble import assemble_from
        from server.figures_told import told
        from server.figuring import figures_of
        from server.numbering import period_of

        period = period_of(first.date() if first else None, last.date() if last else None, days)
        assembled = assemble_from(settings)
        try:
            return told(await figures_of(database, settings, assembled.registry, settings.pharmacy_id, period))
        finally:
            await assembled.registry.aclose()

    try:
        found = in_database(work)
    except Refused as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None
    print(found.model_dump_json() if as_json else "\n".join(_lines(found)))


def _lines(of: "PharmacyFiguresOut") -> list[str]:
    saved = of.saved
    heads = [
        f"{of.first} to {of.last}, days in Japan",
        f"1 US dollar is {_stated(of.yen_per_usd)}; by hand a message costs {_stated(of.pharmacist_yen_per_message)}",
        "",
        *_way("in all", of.total),
        f"  saved against teachers alone: {_usd(saved.saved_usd)} (would have cost {_usd(saved.teacher_usd)})",
        f"  patients wrote again after {_share(of.returned.reply_rate)} of replies; bought "
        f"{_share(of.returned.purchase_rate)}; ratings {of.returned.ratings}"
        + (f", {of.returned.satisfaction:.2f} of 5 on average" if of.returned.satisfaction is not None else ""),
    ]
    for title, ways in (
        ("day", [(str(one.day), one) for one in of.by_day if one.messages.messages or one.calls.calls]),
        ("category", [(one.category or "none named", one) for one in of.by_category]),
    ):
        heads += ["", f"by {title}:", *(line for name, way in ways for line in _way(name, way))]
    heads += ["", "by node:"]
    for node in of.by_node:
        heads.append(f"  {node.node}: {node.calls} calls, {_usd(node.cost_usd)}{_unpriced(node.unpriced_calls)}"
                     f", from the provider's cache {_cached(node)}"
                     + (f", saved {_usd(node.saved.saved_usd)}" if node.saved else ""))  # fmt: skip
    heads += ["", "by model:"]
    heads += [f"  {one.model}: {one.calls} calls, {_usd(one.cost_usd)}{_unpriced(one.unpriced_calls)}"
              for one in of.by_model]  # fmt: skip
    heads += ["", "drafts that cleared gate and judge:"]
    heads += [f"  number {one.number}: {_share(one)}" for one in of.drafts_by_number]
    heads += ["", "changes:", *(f"  {one.day} {one.what} {one.node} {one.to}" for one in of.changes)]
    return heads


def _way(name: str, way: "WayOut") -> list[str]:
    asked, said = way.calls, way.messages
    automated = "–" if said.automation_share is None else f"{said.automation_share:.1%}"
    yen = "unknown" if way.cost_per_message_yen is None else f"{way.cost_per_message_yen:.2f} yen"
    return [
        f"  {name}: {said.messages} messages, {automated} answered by the machine alone, {said.unanswered} by nobody",
        f"    cost {_usd(asked.cost_usd)}{_unpriced(asked.unpriced_calls)}, {yen} a message, {asked.calls} calls",
        f"    reply after {_seconds(said.seconds_all)}; machine {_seconds(said.seconds_machine)}, "
        f"pharmacist {_seconds(said.seconds_pharmacist)}",
        f"    drafts sent as they were {_share(way.drafts.accepted)}, edited {_share(way.drafts.edited)}",
    ]


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"${value:.4f}"


def _stated(of: "YenOut") -> str:
    return f"{of.yen:g} yen, stated on {of.dated}{' (an assumption)' if of.assumed else ''}"


def _unpriced(many: int) -> str:
    return f" ({many} calls without a price)" if many else ""


def _cached(of: "CallsOut") -> str:
    if of.cached_share is None:
        return "–"
    return f"{of.cached_share:.1%} ({of.cached_tokens} of {of.prompt_tokens} tokens read)"


def _share(of: "CountedShareOut") -> str:
    return "–" if of.share is None else f"{of.share:.1%} ({of.hits} of {of.of})"


def _seconds(of: "SecondsOut") -> str:
    return "–" if of.median is None or of.p90 is None else f"{of.median:.1f} s (nine of ten within {of.p90:.1f} s)"
