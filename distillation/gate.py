"""The gate before a student: every reason for and against, each said with its figures; one against is enough."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from distillation.plan import Plan, Safety
from distillation.reasons import Check, Reason, Value, check
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
class GateVerdict:
    """What the gate says."""

    checks: tuple[Check, ...]
    needed: RowsNeeded
    instead: str | None
    """The plain model that is no worse than the teacher: to be served in the student's place."""

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against the student."""
        return all(one.passes for one in self.checks)


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
    counted = Reason("rows", {"there": rows, "least": plan.minimum_rows})
    more = [Reason(f"more_{needed.rests_on}", {"more": needed.more})] if needed.more else []
    yield Check("rows", rows >= plan.minimum_rows, (counted, *more))
    labels, least = evidence.pharmacist_labels, plan.minimum_pharmacist_labels
    yield check("pharmacist_labels", "labels", passes=labels >= least, there=labels, least=least)
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
        return check(name, "unmeasured", passes=False)
    passes = is_no_worse(seen.seen, plan.margin, plan.confidence)
    bound = {"margin": f"{plan.margin:.0%}", "confidence": f"{plan.confidence:.0%}"}
    return Check(name, passes, (_told(seen), Reason("within" if passes else "not_within", bound)))


def _not_shown_worse(safety: Safety, seen: Difference | None, plan: Plan) -> Check:
    if seen is None or seen.rows < safety.minimum_rows:
        there = seen.rows if seen else 0
        return check(safety.name, "few_cases", passes=False, there=there, least=safety.minimum_rows)
    passes = not is_shown_worse(seen.seen, plan.confidence)
    return Check(safety.name, passes, (_told(seen), Reason("not_worse" if passes else "worse")))


def _plain(name: str, seen: Difference | None, *, holds: bool) -> Check:
    named = Reason("plain", {"model": name})
    if seen is None:
        return Check("plain_model", passes=False, reasons=(named, Reason("plain_unmeasured")))
    told = Reason("plain_serves" if holds else "plain_falls_short")
    return Check("plain_model", not holds, (named, _told(seen), told))


def _holds(plan: Plan, differences: Mapping[str, Difference]) -> bool:
    metric = differences.get(plan.metric)
    if metric is None or metric.rows < plan.minimum_rows or not is_no_worse(metric.seen, plan.margin, plan.confidence):
        return False
    return all(_not_shown_worse(safety, differences.get(safety.name), plan).passes for safety in plan.safety)


def _judge(evidence: Evidence, least: int) -> Check:
    judge = str(evidence.judge)
    kin = tuple(one for one in (evidence.teacher, evidence.student) if is_kin(judge, one))
    if not kin:
        return check("judge", "judge_apart", passes=True, judge=judge)
    enough = evidence.pharmacist_labels >= least
    why = Reason("judge_kin", {"judge": judge, "kin": kin})
    return Check("judge", enough, (why, Reason("judge_labels" if enough else "judge_few_labels")))


def is_kin(one: str, other: str) -> bool:
    """Return whether two models are of one family; all that run in the process are taken for one."""
    left, right = ModelRef.read(one), ModelRef.read(other)
    if LOCAL in (left.provider, right.provider):
        return left.provider == right.provider
    return maker_of(left.name) == maker_of(right.name)


def _told(seen: Difference) -> Reason:
    shares = {"mean": seen.mean, "low": seen.low, "high": seen.high}
    counts: dict[str, Value] = {"rows": seen.rows, "conversations": seen.conversations}
    return Reason("difference", counts | {name: f"{share:+.2%}" for name, share in shares.items()})
