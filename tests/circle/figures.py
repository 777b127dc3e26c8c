"""Read what the steps of a run have said, and tell it in a small table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NODES = ("classify", "generate_product_usage")
PUBLISHED = (
    "40% base, 50% with examples shown, 78% with 100 rows, 84% with 500, 54% with the prompt cut short; "
    "teacher 91, small 76, distilled 88"
)
"""Another task, another model, another language: shown beside, never aimed at."""

_NAMES = {"student_base": "base, rows of other categories", "student_few": "few rows", "student_many": "many rows",
          "student_beside": "many rows beside what ships"}  # fmt: skip


def figures_of(folder: Path) -> dict[str, Any]:
    """Return the figures of a run; a step that was not reached is missing."""
    read = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    nodes = {node: _of_node(node, read) for node in NODES if f"{node}.against_base" in read}
    return {"flow": {name: read[name] for name in ("before", "after") if read.get(name)}, "nodes": nodes,
            "checked": read.get("checked")}  # fmt: skip


def table(of: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = []
    for node, found in of["nodes"].items():
        lines.append(f"**{node}**, {found['cases']} held-out rows, {found['metric']}")
        lines += ["", "| Student | right (95%) | tokens in, out | cost of one |", "|---|---|---|---|"]
        lines += [_row(one) for one in found["students"]]
        lines += ["", *(f"- {name}: {_difference(one)}" for name, one in found["differences"].items())]
        lines += [f"- {said}" for said in found["steps"]]
        lines.append("")
    for name, flow in of["flow"].items():
        lines.append(f"- messages {name} the student: {flow['messages']}, {flow['messages_per_second']} a second, "
                     f"{flow['cost_usd_per_message']:.6f} USD each")  # fmt: skip
    return "\n".join([*lines, f"- published, for another task: {PUBLISHED}"])


def _of_node(node: str, read: Mapping[str, Any]) -> dict[str, Any]:
    against_base, against_few = read[f"{node}.against_base"], read.get(f"{node}.against_few")
    metric = against_base["metric"]
    trained = {said: read[f"{node}.{name}"] for name, said in reversed(_NAMES.items())}
    names = {one["model"]: (said, one["rows"]) for said, one in trained.items()}  # of one model, the first name
    students = [_student(one, metric, names) for one in against_base["candidates"]]
    few = read[f"{node}.student_few"]["model"]
    differences = {"few rows - base": _of(against_base, few, metric)}
    if against_few:
        differences["many rows - few rows"] = against_few["comparisons"][0]["differences"][metric]
    steps = {name: read.get(f"{node}.{name}") for name in ("gate", "canary_1", "canary_2", "canary_3", "full")}
    return {
        "cases": against_base["cases"], "metric": metric, "students": students, "differences": differences,
        "steps": [f"{name}: {said['after']}" if said["done"] else f"{name}: refused; {_against(said)}"
                  for name, said in steps.items() if said],
    }  # fmt: skip


def _student(of: Mapping[str, Any], metric: str, names: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    name, rows = names.get(of["candidate"], ("teacher", None))
    return {"name": name, "rows": rows, "score": of["scores"][metric],
            "prompt_tokens": of["prompt_tokens"], "completion_tokens": of["completion_tokens"],
            "cost_usd": of["cost_usd"]}  # fmt: skip


def _of(evaluated: Mapping[str, Any], candidate: str, metric: str) -> Any:
    return next(one["differences"][metric] for one in evaluated["comparisons"] if one["candidate"] == candidate)


def _against(said: Mapping[str, Any]) -> str:
    return "; ".join(f"{check['name']}: {check['said']}" for check in said["checks"] if not check["passes"])


def _row(of: Mapping[str, Any]) -> str:
    score, rows = of["score"], f", {of['rows']}" if of["rows"] is not None else ""
    cost = "unknown" if of["cost_usd"] is None else f"{of['cost_usd']:.6f} USD"
    return (f"| {of['name']}{rows} | {score['value']:.1%} ({score['low']:.1%} to {score['high']:.1%}) "
            f"| {of['prompt_tokens'] or 0:.0f}, {of['completion_tokens'] or 0:.0f} | {cost} |")  # fmt: skip


def _difference(of: Mapping[str, Any]) -> str:
    held = "better by the bound" if of["low"] > 0 else "NOT shown to be better"
    return f"{of['mean']:+.1%} ({of['low']:+.1%} to {of['high']:+.1%}, paired, by conversation): {held}"


def _read(path: Path) -> Any:
    words = path.read_text(encoding="utf-8").strip()
    return json.loads(words) if words else None
