"""Put what was measured last where readers find it: docs/bench.json, the README's tables, a picture."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.cost import told as cost
from tests.bench.picture import picture
from tests.bench.targets import Target, met

CHECKOUT = Path(__file__).parents[2]
MEASURED = CHECKOUT / "build/bench.json"
_WAYS = {
    "by_hand": "by hand", "usual": "the usual way", "usual_streamed": "the usual way streamed",
    "flow": "Kakari's flow", "thrifty": "Kakari's flow streamed",
}  # fmt: skip
_USUAL_LOAD = 0.5
"""Of the machine before the run; above it something else was at work."""


def keep() -> None:
    """Write what speed measured from build/bench.json, and its picture."""
    told = json.loads(MEASURED.read_text(encoding="utf-8"))
    _into_json(told)
    (CHECKOUT / "docs/pictures/bench.svg").write_text(picture(told["figures"]), encoding="utf-8")
    _into_readme("speed", table(told))


def keep_cost() -> None:
    """Write what the replay cost from build/cost.json, beside what else was kept."""
    told = json.loads(cost.MEASURED.read_text(encoding="utf-8"))
    _into_json({"cost": told})
    _into_readme("cost", cost.table(told))


KEPT = {"speed": keep, "cost": keep_cost}
"""The parts of the benchmark whose figures can be kept."""


def table(told: Mapping[str, Any]) -> str:
    """Return the targets as the README shows them, with when and on what they were measured."""
    lines = [
        f"Measured {told['at'][:10]}: {told['cores']} cores ({told['machine']}), Python {told['python']}{_but(told)}.",
        "",
    ]
    lines += ["| Target | Measured (rounds from to, or 95%) | Asked | |", "|---|---|---|---|"]
    for one in told["targets"]:
        target = Target(**{name: value for name, value in one.items() if name != "is_met"})
        measured, asked, result = met(target).split("; ")
        lines.append(f"| {target.what} | {measured} | {asked.removeprefix('asked: ')} | {result} |")
    if counted := told["million_instructions"]:
        ways = ", ".join(f"{_WAYS[way]} {millions:.0f}" for way, millions in counted.items())
        lines += ["", f"Million instructions of a message, which other work does not move: {ways}."]
    return "\n".join(lines)


def _into_json(told: Mapping[str, Any]) -> None:
    kept = CHECKOUT / "docs/bench.json"
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    kept.write_text(json.dumps({**before, **told}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _into_readme(part: str, words: str) -> None:
    begin, end = f"<!-- {part}: made by `make bench PART={part} KEEP=1` -->", f"<!-- /{part} -->"
    readme = CHECKOUT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(begin)
    readme.write_text(f"{before}{begin}\n{words}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def _but(told: Mapping[str, Any]) -> str:
    """Return what keeps the figures from being final."""
    small = f", at {told['scale']:g} of the messages: a look, no result" if told["scale"] < 1 else ""
    beside = f", beside other work (load {told['load_before']:.1f})" if told["load_before"] > _USUAL_LOAD else ""
    return small + beside
