"""Nodes that ask models, as the console shows them: who serves, how good it is, what it costs, how long it lasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pharmacy.domain.serving import Serving
from pharmacy.domain.share import Share
from pharmacy.models.advice import DAYS_OF_WARNING
from pharmacy.models.known_models import known_model
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.registry import Registry
from pharmacy.models.serving import first_serving
from pharmacy.models.tables import Price
from pharmacy.storage import evaluations, node_calls, servings
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.evaluations import Evaluation
from pharmacy.storage.node_calls import OfNode
from pharmacy.storage.servings import Decided
from server.numbering import today
from server.program import Program

WEEK, MONTH = 7, 30


@dataclass(frozen=True)
class LastDay:
    """The announced last day of a model."""

    model: str
    day: date
    days_left: int
    """Below 1 once it is over."""

    @property
    def urgency(self) -> str:
        """`far`, or which of the three warnings is reached: `near`, `soon`, `now`."""
        reached = sum(self.days_left <= days for days in DAYS_OF_WARNING)
        return ("far", "near", "soon", "now")[reached]


@dataclass(frozen=True)
class Measured:
    """One model's mean in an evaluation, with its 95% interval; shares of 1."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class NodeView:
    """One node."""

    name: str
    teacher: str
    student: str | None
    fallback: str | None
    serving: Serving
    """Who serves now."""

    file: Serving
    """Who would by the file's word alone."""

    decided: Decided | None
    """The newest decision; None where nobody has decided."""

    problem: str | None
    """Why what was decided cannot hold, in the program's own words; then the teacher serves."""

    last_days: Sequence[LastDay]
    week: OfNode
    month: OfNode
    evaluation: Evaluation | None
    """The newest that is over."""

    drafts: Mapping[str, Share]
    """Model to the share of its decided drafts of the month that went out as they were; empty but for generators."""

    @property
    def differs(self) -> bool:
        """Whether another one serves than the file says."""
        return self.serving_parts(self.serving) != self.serving_parts(self.file)

    @staticmethod
    def serving_parts(of: Serving) -> tuple[str, float, float]:
        """Return what of a serving the file can say as well."""
        return of.by, of.canary_share, of.shadow_share

    @property
    def measured(self) -> Mapping[str, Measured]:
        """Teacher and student to how good they are by the newest evaluation; who was not in it is left out."""
        figures = self.evaluation.figures if self.evaluation else None
        names = [name for name in (self.teacher, self.student) if name]
        return {name: one for name in names if (one := measured_of(figures, name)) is not None}


@dataclass(frozen=True)
class ModelFacts:
    """One model that may serve a node."""

    role: str
    """`teacher`, `student` or `fallback`."""

    name: str
    price: Price | None
    """None where nobody knows it; a model that runs in the program costs nothing."""

    is_local: bool
    context: int | None
    """Tokens of prompt and answer together; None where that is not known."""

    last_day: LastDay | None


def models_of(registry: Registry, node: NodeView) -> list[ModelFacts]:
    """Return the models that may serve a node."""
    prices, named = Prices(registry.tables.prices), (("teacher", node.teacher), ("student", node.student),
                                                     ("fallback", node.fallback))  # fmt: skip
    days = {day.model: day for day in node.last_days}
    found = []
    for role, name in named:
        if name is None:
            continue
        ref = ModelRef.read(name)
        known = None if ref.is_local else known_model(ref.name)
        context = known.context if known else None
        found.append(ModelFacts(role, name, prices.of(ref), ref.is_local, context, days.get(name)))
    return found


def measured_of(figures: Mapping[str, Any] | None, candidate: str) -> Measured | None:
    """Return a candidate's mean in the node's own metric; None where it was not measured."""
    of = next((one for one in (figures or {}).get("candidates", []) if one["candidate"] == candidate), None)
    found = of["scores"].get((figures or {})["metric"]) if of else None
    if found is None or found["value"] is None:
        return None
    return Measured(found["value"], found["low"], found["high"], found["rows"])


async def nodes_of(tx: Transaction, program: Program, by: Caller, only: str | None = None) -> list[NodeView]:
    """Return every node, in the file's order.

    Args:
        only: the name of one node, and then no other is returned.
    """
    registry = program.assembled.registry
    decided = await servings.decided(tx, by.pharmacy_id)
    week, month = [await node_calls.of_nodes(tx, by.pharmacy_id, days) for days in (WEEK, MONTH)]
    drafts = await node_calls.sent_as_written(tx, by.pharmacy_id, MONTH)
    found = []
    for name in registry.tables.nodes if only is None else [only]:
        newest = await evaluations.ended(tx, by.pharmacy_id, name, limit=1)
        found.append(
            _node(
                registry, name, decided.get(name), week.get(name, OfNode()), month.get(name, OfNode()),
                newest[0] if newest else None, drafts.get(name, {}),
            )
        )  # fmt: skip
    return found


def last_days(models: Sequence[str | None], on: date) -> list[LastDay]:
    """Return the announced last days of those models that have one, the nearest first."""
    refs = [ModelRef.read(model) for model in dict.fromkeys(models) if model]
    known = [(str(ref), known_model(ref.name)) for ref in refs if not ref.is_local]
    days = [
        LastDay(name, one.shutdown, (one.shutdown - on).days)
        for name, one in known if one is not None and one.shutdown is not None
    ]  # fmt: skip
    return sorted(days, key=lambda one: one.day)


def _node(
    registry: Registry, name: str, decided: Decided | None, week: OfNode, month: OfNode, newest: Evaluation | None,
    drafts: Mapping[str, Share],
) -> NodeView:  # fmt: skip
    teacher, student, fallback = registry.teacher_of(name), registry.student_of(name), registry.fallback_of(name)
    wanted = decided.serving if decided else None
    return NodeView(
        name, teacher, student, fallback, registry.serving(name, wanted), first_serving(registry.table(name)), decided,
        registry.why_not(name, wanted) if wanted else None, last_days([teacher, student, fallback], today()), week,
        month, newest, drafts,
    )  # fmt: skip
