"""`python -m distillation.gate_worlds [NODE…]`: does the gate keep its word? Exit status 1 when it does not.

For each plan, two questions in every kind of world: how often does a student pass on the metric that is exactly as much
worse as the margin, and how often does one that is as good as its teacher pass on metric and safety criteria together?
Correlation is that of two cases of one conversation; "long": long conversations are harder besides.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from distillation.plan import PLANS, Plan, load_plan
from evaluation.gates import interval
from evaluation.paired import is_no_worse, is_shown_worse
from evaluation.rows_needed import POWER
from evaluation.worlds import World

_TEACHERS = (0.75, 0.91, 0.97)
_DISCORDANCES = (0.02, 0.05, 0.10, 0.20)
_CORRELATIONS = ((0.0, False), (0.1, False), (0.3, False), (0.3, True))


@dataclass(frozen=True)
class Kept:
    """How often a student passed in one kind of world."""

    world: World
    at_margin: int
    """Of `of` worlds in which it is worse by exactly the margin."""

    as_good: int
    """Of `of` worlds in which it is as good."""

    of: int
    risk: float
    """How often it may pass at the margin: 1 less the plan's confidence."""

    @property
    def holds(self) -> bool:
        """Whether both are as promised: at the margin no more than chance allows, and at most a fifth over the risk."""
        low = interval(self.at_margin, self.of)[0]
        return low <= self.risk and self.at_margin / self.of <= 1.2 * self.risk and self.as_good / self.of >= POWER


def worlds_of(plan: Plan) -> list[World]:
    """Return every kind of world that can be, at the plan's margin and without it."""
    every = [World(*given, *alike) for given in _givens() for alike in _CORRELATIONS]
    return [world for world in every if world.is_possible(-plan.margin) and world.is_possible(0.0)]


def measure(plan: Plan, world: World, place: int, count: int) -> Kept:
    """Return how often a student passes `plan` in `count` worlds of one kind.

    Args:
        place: of the kind of world among `worlds_of(plan)`: each kind has chances of its own, in any order of work.
    """
    worse, equal = (np.random.default_rng([plan.worlds.seed, place, which]) for which in (0, 1))
    at_margin = sum(_passes_metric(plan, world, -plan.margin, worse) for _ in range(count))
    as_good = sum(_passes_metric(plan, world, 0.0, equal) and _keeps_safety(plan, world, equal) for _ in range(count))
    return Kept(world, at_margin, as_good, count, 1 - plan.confidence)


def main(nodes: Sequence[str], folder: Path = PLANS) -> int:
    """Print one table per node; return 0 when every promise is kept, 1 when one is not."""
    console, kept_all = Console(), True
    for node in nodes or sorted(file.stem for file in folder.glob("*.toml")):
        plan = load_plan(node, folder=folder)
        found = _measured(node, plan)
        console.print(_table(node, plan, found))
        kept_all &= all(kept.holds for kept in found)
    console.print("every promise is kept" if kept_all else "a promise is not kept", style="bold")
    return 0 if kept_all else 1


def _measured(node: str, plan: Plan) -> list[Kept]:
    worlds = worlds_of(plan)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        work = {pool.submit(measure, plan, world, at, plan.worlds.count): at for at, world in enumerate(worlds)}
        done = track(as_completed(work), description=node, total=len(work), console=Console(stderr=True))
        found = {work[one]: one.result() for one in done}
    return [found[at] for at in range(len(worlds))]


def _table(node: str, plan: Plan, found: Sequence[Kept]) -> Table:
    title = (
        f"{node}, revision {plan.revision}: margin {plan.margin}, {plan.minimum_rows} rows, confidence "
        f"{plan.confidence}, seed {plan.worlds.seed}, {plan.worlds.count} worlds of each kind; share that passes"
    )
    headings = ("teacher", "discordance", "correlation", "at margin", "95%", "as good", "")
    table = Table(*headings, title=title, title_justify="left", box=None)
    for kept in found:
        low, high = interval(kept.at_margin, kept.of)
        world = kept.world
        table.add_row(
            f"{world.teacher_share:.2f}",
            f"{world.discordance:.2f}",
            f"{world.correlation:.1f}" + (", long" if world.long_is_harder else ""),
            f"{kept.at_margin / kept.of:.4f}",
            f"{low:.4f}-{high:.4f}",
            f"{kept.as_good / kept.of:.4f}",
            "" if kept.holds else "NOT KEPT",
        )
    return table


def _givens() -> list[tuple[float, float]]:
    return [(teacher, discordance) for teacher in _TEACHERS for discordance in _DISCORDANCES]


def _passes_metric(plan: Plan, world: World, difference: float, chance: np.random.Generator) -> bool:
    return is_no_worse(world.draw(plan.minimum_rows, difference, chance), plan.margin, plan.confidence)


def _keeps_safety(plan: Plan, world: World, chance: np.random.Generator) -> bool:
    # Cases of their own for each: on the same cases the refusals would fall together, and be fewer.
    drawn = (world.draw(criterion.minimum_rows, 0.0, chance) for criterion in plan.safety)
    return not any(is_shown_worse(seen, plan.confidence) for seen in drawn)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
