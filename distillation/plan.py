"""Read a node's plan: what lets its student through, how it takes over, and what takes it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from nodes.load import load_flow
from pharmacy.domain.flow import Flow
from pharmacy.domain.policy import Name, Problem, Strict
from pharmacy.domain.rights import PEOPLE, Role
from pharmacy.domain.toml_file import TomlFile

PLANS = Path(__file__).with_name("plans")

_MEASURES: dict[str, tuple[str, ...]] = {
    "exact_agreement": ("sensitivity", "specificity"),
    "pass_rate": ("criterion",),
    "verdict_agreement": ("sensitivity", "specificity"),
}


def _role(value: Any) -> Any:
    return Role(value) if isinstance(value, str) and value in [*Role] else value


_Share = Annotated[float, Field(gt=0, lt=1)]
_Part = Annotated[float, Field(gt=0, le=1)]


class Assumed(Strict):
    """What is taken to be so while too little was seen, for saying how many rows are needed."""

    discordance: _Share
    """The share of cases on which just one of teacher and student is right."""

    design_effect: float = Field(ge=1, le=10)
    """How many times the variance is that of as many unrelated cases."""

    conversation_cases: float = Field(ge=1, le=100)
    """How many cases the conversation of an average case has."""


class Safety(Strict):
    """One thing that may not get worse: a student that is shown to be, at the plan's confidence, is refused."""

    measure: Literal["sensitivity", "specificity", "criterion"]
    """Of the cases of a label, those named so; of the other cases, those not named so; drafts that clear one bar."""

    of: Name | None = None
    """The label or the judge's criterion; none beside verdicts, where a draft that a pharmacist accepts is meant."""

    caught_drop: float = Field(gt=0, le=0.2)
    """A student that is worse by this much is refused in 80% of sets of `minimum_rows`."""

    minimum_rows: int = Field(ge=50)
    """Held-out cases that it can be measured on; with fewer the student is refused."""

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.measure}({self.of})" if self.of else self.measure


class Shadow(Strict):
    """The first step: the student answers beside the teacher, unused."""

    share: _Part
    """Of conversations."""

    minimum_cases: int = Field(ge=1)
    """Scored before the next step."""


class Canary(Strict):
    """The second step: the student serves a share of conversations."""

    shares: list[_Part] = Field(min_length=1)
    """Rising; after the last one it serves all."""

    minimum_conversations: int = Field(ge=1)
    """Decided under each share before the next one."""


class StepBack(Strict):
    """When the teacher takes over again by itself."""

    measure: Literal["acceptance", "judge_pass"]
    """What a pharmacist did with the reply, or what the judge said of the draft."""

    bound: _Share
    """The least that is still good enough."""

    alpha: float = Field(gt=0, le=0.1)
    """The chance of ever stepping back from a student that holds the bound."""


class Worlds(Strict):
    """The imagined held-out sets on which the plan's rows were derived and its word is checked."""

    seed: int = Field(ge=1)
    """Fixed before the run; another one is another revision."""

    count: int = Field(ge=1)
    """Worlds of each kind."""


class Plan(Strict):
    """One node's plan."""

    revision: int = Field(ge=1)
    """Rises with every change."""

    metric: Literal["exact_agreement", "pass_rate", "verdict_agreement"]
    """The share of cases with exactly the right label; of drafts that clear every bar; of drafts on which the judge
    says what the pharmacist said."""

    margin: float = Field(gt=0, le=0.1)
    """How much lower than the teacher's the student's metric may be."""

    confidence: float = Field(ge=0.9, lt=1)
    """Of the one-sided bound."""

    minimum_rows: int = Field(ge=100)
    """Held-out cases, answered by both."""

    minimum_pharmacist_labels: int = Field(ge=1)
    """Of those, cases whose right answer a pharmacist said, not a model."""

    approvers: list[Annotated[Role, BeforeValidator(_role)]] = Field(min_length=1)
    """Who may let the student take a step."""

    assumed: Assumed
    safety: list[Safety] = Field(min_length=1)
    shadow: Shadow
    canary: Canary
    step_back: StepBack
    worlds: Worlds


def plan_file(node: str, folder: Path = PLANS) -> Path:
    """Return where the plan of `node` stands."""
    return folder / f"{node}.toml"


def load_plan(node: str, flow: Flow | None = None, folder: Path = PLANS) -> Plan:
    """Return the plan of `node`, checked against the flow it is for; None: the shipped one.

    Raises:
        ConfigError: names file, line, key, value, and what was expected.
    """
    toml = TomlFile.read(plan_file(node, folder))
    plan = toml.table((), Plan)
    for place, value, expected in _problems(node, plan, flow or load_flow()):
        raise toml.wrong(place, f"{value!r}: expected {expected}")
    return plan


def _problems(node: str, plan: Plan, flow: Flow) -> Iterator[Problem]:
    for role in plan.approvers:
        if role not in PEOPLE:
            yield ("approvers",), role.value, f"some of {[role.value for role in PEOPLE]}"
    if plan.canary.shares != sorted(set(plan.canary.shares)):
        yield ("canary", "shares"), plan.canary.shares, "rising shares"
    if plan.step_back.measure == "judge_pass" and plan.metric != "pass_rate":
        yield ("step_back", "measure"), "judge_pass", f"acceptance beside {plan.metric}: the judge marks texts"
    known = {"classify": [*flow.categories], "switch_phase": [*flow.phases]}.get(node, [*flow.criteria])
    for criterion in plan.safety:
        fitting = _MEASURES[plan.metric]
        if criterion.measure not in fitting:
            yield ("safety", "measure"), criterion.measure, f"one of {[*fitting]} beside {plan.metric}"
        elif plan.metric == "verdict_agreement":
            if criterion.of is not None:
                yield ("safety", "of"), criterion.of, f"nothing beside {criterion.measure}"
        elif criterion.of not in known:
            yield ("safety", "of"), criterion.of, f"one of {known}"
        if criterion.minimum_rows > plan.minimum_rows:
            yield ("safety", "minimum_rows"), criterion.minimum_rows, f"at most the plan's {plan.minimum_rows}"
