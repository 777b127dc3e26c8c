"""Put what was measured last where readers find it: docs/bench.json, the README's table, a picture."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.picture import picture
from tests.bench.targets import Target, met

CHECKOUT = Path(__file__).parents[2]
MEASURED = CHECKOUT / "build/bench.json"
BEGIN, END = "<!-- speed: made by `make bench PART=speed KEEP=1` -->", "<!-- /speed -->"
_USUAL_LOAD = 0.5
"""Of the machine before the run; above it something else was at work."""


def keep() -> None:
    """Write all three from build/bench.json."""
    told = json.loads(MEASURED.read_text(encoding="utf-8"))
    (CHECKOUT / "docs/bench.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (CHECKOUT / "docs/pictures/bench.svg").write_text(picture(told["figures"]), encoding="utf-8")
    readme = CHECKOUT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{table(told)}\n{END}{rest.split(END)[1]}", encoding="utf-8")


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
    return "\n".join(lines)


def _but(told: Mapping[str, Any]) -> str:
    """Return what keeps the figures from being final."""
    small = f", at {told['scale']:g} of the messages: a look, no result" if told["scale"] < 1 else ""
    beside = f", beside other work (load {told['load_before']:.1f})" if told["load_before"] > _USUAL_LOAD else ""
    return small + beside
