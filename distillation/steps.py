"""The steps by which a student takes over: shadow, canary by canary, all; pure choices."""

from dataclasses import dataclass
from typing import Literal

from distillation.plan import Plan
from distillation.reasons import Reason
from pharmacy.domain.serving import Serving

Name = Literal["shadow", "canary", "full"]


class NothingToPromote(Exception):
    """There is no step left to take, or no student to take it."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.said)
        self.why = why


@dataclass(frozen=True)
class Step:
    """One step."""

    name: Name
    before: Serving
    after: Serving
    rests_on: int = 0
    """The number of the decision by which `before` holds; 0 where the file's word does."""

    @property
    def said(self) -> str:
        """Return what it will change."""
        return f"{self.before.said} → {self.after.said}"


def next_step(plan: Plan, now: Serving, student: str | None) -> Step:
    """Return the step after `now`: none is left out, and each is of one and the same student.

    Raises:
        NothingToPromote: the student serves all already, or the node has none.
    """
    if student is None:
        raise NothingToPromote(Reason("no_student"))
    others = now.needs_student and now.student not in (None, student)
    if others or not now.needs_student:  # a student begins at the beginning, whoever went before it
        return Step("shadow", now, Serving("teacher", shadow_share=plan.shadow.share, student=student))
    if now.by == "student":
        raise NothingToPromote(Reason("serves_already", {"student": student}))
    share = next((one for one in plan.canary.shares if one > now.student_share), None)
    if share is None or share >= 1:
        return Step("full", now, Serving("student", student=student))
    return Step("canary", now, Serving("canary", share, plan.shadow.share, student))
