"""The steps by which a node's student takes over, and how far it has come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.serving import Serving
from pharmacy.storage.database import Transaction
from server.program import Program

if TYPE_CHECKING:
    from distillation.plan import Plan
    from distillation.taking_over import Progress


@dataclass(frozen=True)
class Rung:
    """One step."""

    code: Literal["shadow", "canary", "student"]
    share: float
    """Of conversations, 0 to 1."""

    state: Literal["past", "now", "ahead"]


@dataclass(frozen=True)
class Climb:
    """A student under way."""

    rungs: tuple[Rung, ...]
    plan: "Plan"
    progress: "Progress | None"
    """None while the student does not answer at all."""


def rungs_of(plan: "Plan", serving: Serving) -> tuple[Rung, ...]:
    """Return the steps of `plan`, each with where the student stands under `serving`."""
    steps: list[tuple[Literal["shadow", "canary", "student"], float]] = [("shadow", plan.shadow.share)]
    steps += [("canary", share) for share in plan.canary.shares if share < 1]
    steps.append(("student", 1.0))
    reached = -1
    if serving.needs_student:
        below = [at for at, (_, share) in enumerate(steps) if at and share <= serving.student_share]
        reached = max(below, default=0)
    return tuple(
        Rung(code, share, "past" if at < reached else "now" if at == reached else "ahead")
        for at, (code, share) in enumerate(steps)
    )


async def climb_of(tx: Transaction, program: Program, pharmacy_id: str, node: str, serving: Serving) -> Climb | None:
    """Return how far the node's student has come; None where no plan says how one takes over."""
    # Statistics are loaded by whoever looks at them, not by every start of the server.
    from distillation.plan import load_plan
    from distillation.taking_over import progress

    assembled = program.assembled
    try:
        plan = load_plan(node, assembled.flow, program.settings.plans_folder)
    except ConfigError:
        return None
    student = assembled.registry.student_of(node)
    seen = None
    if serving.needs_student:
        seen = await progress(tx, pharmacy_id, node, plan, file_serving=serving, file_student=student)
    return Climb(rungs_of(plan, serving), plan, seen)
