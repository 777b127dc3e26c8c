"""The replay's part of the benchmark: play every column, write the figures, and tell them."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.progress import Progress

from tests.bench.blocks import SMALL
from tests.bench.cost.columns import BASE, COLUMNS
from tests.bench.cost.figures import all_figures
from tests.bench.cost.played import Order, play
from tests.bench.cost.provider import GAP_SECONDS
from tests.bench.cost.stored import store, stored
from tests.bench.cost.traffic import traffic

MEASURED = Path(__file__).parents[3] / "build" / "cost.json"
PLAYED = MEASURED.with_name("cost")
_GOES_ON = os.environ.get("KAKARI_BENCH_GO_ON", "") == "1"
"""Whether columns that were played before, with the same messages and models, are taken as they are."""

MESSAGES, SEED = 1000, 20261123
ASKED = 0.10
"""Of what all teachers cost: what the best column may cost at most."""

TEACHER_ERROR, STUDENT_ERROR = 0.05, 0.03
"""The circle's teacher; and a student within what every shipped plan lets a student be worse by (3 to 5 points)."""


def cost_figures() -> Iterator[tuple[str, str]]:
    """Play 1,000 messages to each column, write the figures to build/cost.json, and give the table."""
    error = float(os.environ.get("KAKARI_BENCH_STUDENT_ERROR", STUDENT_ERROR))
    order = Order(SEED, max(round(MESSAGES * SMALL), 24), TEACHER_ERROR, error)
    talks = traffic(order.seed, order.messages)
    before, played = os.getloadavg()[0], []
    with Progress(transient=True) as progress:
        task = progress.add_task("conversations", total=len(talks) * len(COLUMNS))
        for column in COLUMNS:
            progress.update(task, description=column.label)
            before_it = stored(PLAYED, column, order) if _GOES_ON else None
            played.append(before_it or play(column, talks, order, lambda: progress.advance(task)))
            store(PLAYED, played[-1], order)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(), "machine": platform.machine(),
        "load_before": before, "order": asdict(order), "seconds_between_messages": GAP_SECONDS, "asked": ASKED,
        "columns": all_figures(played),
    }  # fmt: skip
    MEASURED.parent.mkdir(exist_ok=True)
    MEASURED.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    yield from lines(found)


def lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the figures as the terminal shows them."""
    yield "replay", _said_of(found)
    for one in found["columns"]:
        yield (
            f"cost: {one['label']}",
            (
                f"${one['usd_per_message']:.6f} a message, {one['of_teacher']:.3f} of all teacher; "
                f"{one['calls'] / one['messages']:.2f} calls, {one['prompt_tokens'] / one['messages']:.0f} tokens read "
                f"({_cached(one):.0%} cached), {one['completion_tokens'] / one['messages']:.0f} written; "
                f"{one['recalled']} drafts from memory"
            ),
        )
        yield "  same outcomes as all teacher", "; ".join(f"{part} {_of(same)}" for part, same in one["same"].items())
        yield "  suggested", f"{_of(one['suggested'])}; changed: {one['changed'] or 'none'}"
        yield "  drafts: teacher's judge; what is true", f"{_of(one['drafts_passed'])}; {_of(one['drafts_right'])}"
        for node, of in one["by_node"].items():
            yield (
                f"  {node}",
                (
                    f"{of['calls']} calls, ${of['cost_usd']:.4f} ({of['cost_usd'] / one['cost_usd']:.0%}); "
                    f"{of['prompt_tokens'] / of['calls']:.0f} tokens read ({_cached(of):.0%} cached), "
                    f"{of['completion_tokens'] / of['calls']:.0f} written each"
                ),
            )
        yield (
            "  records less outcomes, and provider",
            (f"${one['records_less_outcomes_usd']:.9f}; {one['records_less_provider_tokens']} tokens"),
        )
    yield "the best, of all teacher", best(found)
    yield "where its money goes", where(found)


def best(found: Mapping[str, Any]) -> str:
    """Return the cheapest column beside what was asked, and beside teachers whose prompts are cached too."""
    columns = {one["name"]: one for one in found["columns"]}
    least = _least(found)
    cached = least["usd_per_message"] / columns["teacher_cached"]["usd_per_message"]
    result = "met" if least["of_teacher"] <= found["asked"] else "MISSED"
    return (
        f"{least['of_teacher']:.3f}; asked: at most {found['asked']:g}; {result} ({least['label']}); "
        f"{cached:.3f} of teachers whose prompts are cached too"
    )


def where(found: Mapping[str, Any]) -> str:
    """Return what the cheapest column's money goes to."""
    least = _least(found)
    teachers = sum(usd for model, usd in least["by_model"].items() if not _is_student(model))
    nodes = {node: of["cost_usd"] for node, of in least["by_node"].items()}
    nodes["generators"] = sum(nodes.pop(node) for node in [*nodes] if node.startswith("generate_"))
    shares = ", ".join(f"{node} {usd / least['cost_usd']:.0%}" for node, usd in sorted(nodes.items(), key=_dear))
    return f"{shares}; teachers, who write anew what the judge turned down, {teachers / least['cost_usd']:.0%} of all"


def table(found: Mapping[str, Any]) -> str:
    """Return the figures as the README shows them."""
    rows = [
        f"Measured {found['at'][:10]}: {_said_of(found)}.", "",
        "| Served by | USD a message | of all teacher | tokens read (cached), written | same outcome as all teacher "
        "| drafts that the teacher's judge passes |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in found["columns"]:
        same = "" if one["name"] == BASE else _of(one["same"]["all"])
        rows.append(
            f"| {one['label']} | {one['usd_per_message']:.5f} | {one['of_teacher']:.3f} "
            f"| {one['prompt_tokens'] / one['messages']:.0f} ({_cached(one):.0%}), "
            f"{one['completion_tokens'] / one['messages']:.0f} | {same} | {_of(one['drafts_passed'])} |"
        )
    return "\n".join([*rows, "", f"The best, of all teacher: {best(found)}. Where its money goes: {where(found)}."])


def _least(found: Mapping[str, Any]) -> Mapping[str, Any]:
    columns: Sequence[Mapping[str, Any]] = found["columns"]
    return min(columns, key=lambda one: float(one["usd_per_message"]))


def _is_student(model: str) -> bool:
    return ":ft:" in model


def _dear(of: tuple[str, float]) -> float:
    return -of[1]


def _said_of(found: Mapping[str, Any]) -> str:
    order = found["order"]
    return (
        f"{order['messages']} messages, one in {found['seconds_between_messages']:g} s by the provider's clock; a "
        f"teacher wrong in {order['teacher_error']:.0%} of its answers, and students that differ from it in "
        f"{order['student_error']:.0%} of theirs"
    )


def _cached(of: Mapping[str, Any]) -> float:
    return float(of["cached_tokens"] / max(of["prompt_tokens"], 1))


def _of(share: Mapping[str, float]) -> str:
    return f"{share['share']:.1%} ({share['low']:.1%} to {share['high']:.1%})"
