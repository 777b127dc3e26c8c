"""The retirement drill: hold every replacement against what the retiring model answered, and let the gate choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distillation.gate import Evidence, GateVerdict, gate
from distillation.plan import Plan
from distillation.reasons import Check
from evaluation.candidates import RECORDED
from evaluation.evaluating import Evaluated
from evaluation.figures import CandidateFigures, compared
from evaluation.paired import Difference

_OF_STUDENTS = ("plain_model",)


@dataclass(frozen=True)
class Tried:
    """One replacement."""

    model: str
    verdict: GateVerdict
    figures: CandidateFigures

    @property
    def checks(self) -> Sequence[Check]:
        """What speaks for and against it."""
        return [check for check in self.verdict.checks if check.name not in _OF_STUDENTS]

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against it."""
        return all(check.passes for check in self.checks)


@dataclass(frozen=True)
class Drilled:
    """What came of a drill."""

    node: str
    retiring: str
    evaluation: str
    tried: Sequence[Tried]

    @property
    def chosen(self) -> Tried | None:
        """The cheapest of those that pass; an unknown price comes last."""
        passing = [one for one in self.tried if one.passes]
        return min(passing, key=_price, default=None)


def drilled(
    plan: Plan,
    node: str,
    retiring: str,
    evaluated: Evaluated,
    whole: Mapping[str, Difference | None],
    judge: str | None,
) -> Drilled:
    """Return what the gate says of every replacement.

    Args:
        retiring: the model whose recorded answers they are held against, as `provider:name`.
        whole: replacement to (replacement - retiring) over whole runs.
        judge: the model that marked the drafts; None where nothing was marked by a model.
    """
    by = {one.candidate: one for one in evaluated.figures.candidates if one.candidate != RECORDED}
    rows = {name: {row.place: row for row in evaluated.answers if row.candidate == name} for name in (RECORDED, *by)}
    tried = []
    for name, figures in by.items():
        seen = compared(node, name, evaluated.cases, rows[RECORDED], rows[name]).differences
        labels = evaluated.figures.pharmacist_labels
        evidence = Evidence(node, retiring, name, seen, labels, whole.get(name), judge)
        tried.append(Tried(name, gate(plan, evidence), figures))
    return Drilled(node, retiring, str(evaluated.evaluation.id), tried)


def _price(of: Tried) -> tuple[bool, float]:
    cost = of.figures.cost_usd
    return cost is None, cost or 0.0
