"""The gate before a student: every reason for and against, each said with its figures; one against is enough."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from distillation.plan import Plan, Safety
from evaluation.paired import Difference, is_no_worse, is_shown_worse
from evaluation.rows_needed import Assumed, RowsNeeded, rows_needed
from pharmacy.models.model_name import LOCAL, ModelRef, maker_of


@dataclass(frozen=True)
class Evidence:
    """What was measured of a student, on rows that it has not seen."""

    node: str
    teacher: str
    """What it would take over from, as `provider:name`."""

    student: str
    differences: Mapping[str, Difference]
    """Measure to (student - teacher); the plan's metric and its safety measures among them."""

    pharmacist_labels: int
    """Cases whose right answer a person said."""

    end_to_end: Difference | None
    """(student - teacher) over whole runs; None while not measured."""

    judge: str | None = None
    """The model that marked the drafts; None where nothing was marked by a model."""

    plain: str | None = None
    """The cheap model that nobody has trained; None where there is none."""

    plain_differences: Mapping[str, Difference] = field(default_factory=dict)
    """Measure to (plain - teacher)."""


@dataclass(frozen=True)
class Check:
    """One reason."""

    name: str
    passes: bool
    said: str


@dataclass(frozen=True)
class GateVerdict:
    """What the gate says."""

    checks: tuple[Check, ...]
    needed: RowsNeeded
    instead: str | None
    """The plain model that is no worse than the teacher: to be served in the student's place."""

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against the student."""
        return all(check.passes for check in self.checks)


def gate(plan: Plan, evidence: Evidence) -> GateVerdict:
    """Return whether the student may take over, by the plan that was fixed before it was measured."""
    metric = evidence.differences.get(plan.metric)
    needed = rows_needed(
        metric, Assumed(**plan.assumed.model_dump()), margin=plan.margin, confidence=plan.confidence,
        least=plan.minimum_rows,
    )  # fmt: skip
    holds = _holds(plan, evidence.plain_differences) if evidence.plain else False
    return GateVerdict(
        tuple(_checks(plan, evidence, needed, plain_holds=holds)), needed, evidence.plain if holds else None
    )


def _checks(plan: Plan, evidence: Evidence, needed: RowsNeeded, *, plain_holds: bool) -> Iterator[Check]:
    metric = evidence.differences.get(plan.metric)
    rows = metric.rows if metric else 0
    more = f"; {needed.more} more are needed, by what was {needed.rests_on}" if needed.more else ""
    yield Check("rows", rows >= plan.minimum_rows, f"{rows} held-out cases of at least {plan.minimum_rows}{more}")
    least = plan.minimum_pharmacist_labels
    yield Check(
        "pharmacist_labels", evidence.pharmacist_labels >= least,
        f"of {evidence.pharmacist_labels} cases a person said what is right; expected {least} at least",
    )  # fmt: skip
    yield _no_worse(plan.metric, metric, plan)
    for safety in plan.safety:
        yield _not_shown_worse(safety, evidence.differences.get(safety.name), plan)
    yield _no_worse("end_to_end", evidence.end_to_end, plan)
    if evidence.plain:
        yield _plain(evidence.plain, evidence.plain_differences.get(plan.metric), holds=plain_holds)
    if evidence.judge:
        yield _judge(evidence, least)


def _no_worse(name: str, seen: Difference | None, plan: Plan) -> Check:
    if seen is None:
        return Check(name, passes=False, said="was not measured")
    passes = is_no_worse(seen.seen, plan.margin, plan.confidence)
    shown = "shown to be" if passes else "not shown to be"
    said = f"{_told(seen)}; {shown} within {plan.margin:.0%} of the teacher at {plan.confidence:.0%}"
    return Check(name, passes, said)


def _not_shown_worse(safety: Safety, seen: Difference | None, plan: Plan) -> Check:
    if seen is None or seen.rows < safety.minimum_rows:
        there = seen.rows if seen else 0
        return Check(safety.name, passes=False, said=f"{there} cases; expected {safety.minimum_rows} at least")
    passes = not is_shown_worse(seen.seen, plan.confidence)
    return Check(safety.name, passes, f"{_told(seen)}; {'not ' if passes else ''}shown to be worse")


def _plain(name: str, seen: Difference | None, *, holds: bool) -> Check:
    if seen is None:
        return Check("plain_model", passes=False, said=f"{name} was not measured; expected it beside the student")
    told = (
        "no worse than the teacher untrained: serve it instead" if holds
        else "not shown to be as good as the teacher, so training is worth its while"
    )  # fmt: skip
    return Check("plain_model", not holds, f"{name}: {_told(seen)}; {told}")


def _holds(plan: Plan, differences: Mapping[str, Difference]) -> bool:
    metric = differences.get(plan.metric)
    if metric is None or metric.rows < plan.minimum_rows or not is_no_worse(metric.seen, plan.margin, plan.confidence):
        return False
    return all(_not_shown_worse(safety, differences.get(safety.name), plan).passes for safety in plan.safety)


def _judge(evidence: Evidence, least: int) -> Check:
    judge, kin = (
        str(evidence.judge),
        [one for one in (evidence.teacher, evidence.student) if is_kin(str(evidence.judge), one)],
    )
    if not kin:
        return Check("judge", passes=True, said=f"{judge} is of another family than those it marked")
    enough = evidence.pharmacist_labels >= least
    return Check(
        "judge", enough,
        f"{judge} is of the family of {', '.join(kin)}, and models favour their kin; "
        + ("enough cases rest on a person's word" if enough else "expected another judge, or more pharmacists' labels"),
    )  # fmt: skip


def is_kin(one: str, other: str) -> bool:
    """Return whether two models are of one family; all that run in the process are taken for one."""
    left, right = ModelRef.read(one), ModelRef.read(other)
    if LOCAL in (left.provider, right.provider):
        return left.provider == right.provider
    return maker_of(left.name) == maker_of(right.name)


def _told(seen: Difference) -> str:
    return (
        f"{seen.mean:+.2%} ({seen.low:+.2%} to {seen.high:+.2%}; {seen.rows} cases, {seen.conversations} conversations)"
    )
