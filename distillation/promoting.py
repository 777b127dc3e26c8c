"""Let a student take its next step: who approves, what the gate says, what was seen live, and the decision itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from distillation.evidence import Contest, contest_of, gathered, trial_of
from distillation.gate import gate
from distillation.plan import Plan, load_plan
from distillation.reasons import Check
from distillation.step_checks import approval, live_checks
from distillation.steps import Step, next_step
from distillation.taking_over import Progress, progress
from evaluation.asking import Told
from evaluation.trial import Trial
from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.models.serving import first_serving
from pharmacy.settings import Settings
from pharmacy.storage import servings
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.refusals import Conflict


@dataclass(frozen=True)
class Asked:
    """What somebody wants."""

    node: str
    approved_by: str
    """The name of an account."""

    reason: str = ""
    plain: str | None = None
    judge: str | None = None
    version: str | None = None
    """Of a dataset; None takes the newest."""


@dataclass(frozen=True)
class Promotion:
    """What came of it."""

    node: str
    step: Step
    checks: Sequence[Check]
    instead: str | None = None
    """The plain model to be served in the student's place."""

    rows_needed: int = 0
    """Held-out cases that are missing."""

    evaluation: str | None = None
    """The id of the evaluation that the first step rests on."""

    is_done: bool = False

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against it."""
        return all(one.passes for one in self.checks)


@dataclass(frozen=True)
class Begun:
    """A step that somebody may let happen, before anything is measured."""

    node: str
    plan: Plan
    step: Step
    contest: Contest | None
    """Before the first step; later ones rest on what is seen live."""

    trial: Trial | None
    seen: Progress | None
    checks: Sequence[Check] = field(default_factory=tuple)

    async def judged(
        self, database: Database, settings: Settings, assembled: Assembled, told: Callable[[str], Told]
    ) -> Promotion:
        """Return what speaks for and against the step.

        Raises:
            Unfinished: nobody could be asked; what was answered is kept.
        """
        if self.contest is None or self.trial is None:
            return Promotion(self.node, self.step, [*self.checks, *live_checks(self.plan, self.step, self.seen)])
        evidence, evaluated = await gathered(database, settings, assembled, self.contest, self.trial, told)
        verdict = gate(self.plan, evidence)
        checks = [*self.checks, *verdict.checks]
        evaluation = str(evaluated.evaluation.id)
        return Promotion(self.node, self.step, checks, verdict.instead, verdict.needed.more, evaluation)


async def begin(database: Database, settings: Settings, assembled: Assembled, asked: Asked) -> Begun:
    """Return the step that is next, with what has to be asked before it.

    Raises:
        ConfigError: there is no plan or dataset, or the student was trained under another prompt.
        NothingToPromote: there is no step left, or no student.
    """
    registry, node = assembled.registry, asked.node
    plan = load_plan(node, assembled.flow, settings.plans_folder)
    student = registry.student_of(node)
    async with database.begin(settings.pharmacy_id) as tx:
        step = await step_now(tx, settings.pharmacy_id, assembled, node, plan, student)
        approver = await approval(tx, settings.pharmacy_id, plan, asked.approved_by)
        seen = None if step.name == "shadow" else await progress(tx, settings.pharmacy_id, node, plan)
    if why := registry.why_not(node, step.after):
        raise ConfigError(why)
    if step.name != "shadow" or student is None:
        return Begun(node, plan, step, None, None, seen, (approver,))
    contest = contest_of(assembled, node, student, asked.plain, asked.judge)
    trial = await trial_of(database, settings, assembled, contest, asked.version, asked.approved_by)
    return Begun(node, plan, step, contest, trial, None, (approver,))


async def step_now(
    tx: Transaction, pharmacy_id: str, assembled: Assembled, node: str, plan: Plan, student: str | None
) -> Step:
    """Return the step after who serves `node` now: as decided, else as the file says.

    Raises:
        NothingToPromote: there is no step left, or no student.
    """
    decided = (await servings.decided(tx, pharmacy_id)).get(node)
    if decided is None:
        return next_step(plan, first_serving(assembled.registry.table(node)), student)
    return replace(next_step(plan, decided.serving, student), rests_on=decided.seq)


async def decide(
    database: Database, settings: Settings, assembled: Assembled, asked: Asked, of: Promotion
) -> Promotion:
    """Let the step happen: it holds in every process from its next run on.

    Raises:
        Conflict: somebody has decided meanwhile, or who asked may no longer let it happen.
    """
    plan = load_plan(asked.node, assembled.flow, settings.plans_folder)
    async with database.begin(settings.pharmacy_id) as tx:
        await servings.take_turn(tx, settings.pharmacy_id)
        decided = (await servings.decided(tx, settings.pharmacy_id)).get(asked.node)
        if (decided.seq if decided else 0) != of.step.rests_on:
            raise Conflict(f"{asked.node}: somebody has decided meanwhile; look at it again")
        approver = await approval(tx, settings.pharmacy_id, plan, asked.approved_by)
        if not approver.passes:
            raise Conflict(f"{asked.node}: {approver.said}")
        await servings.decide(tx, settings.pharmacy_id, asked.approved_by, asked.node, of.step.after, _why(asked, of))
    return replace(of, is_done=True)


def _why(asked: Asked, of: Promotion) -> str:
    rests = f"evaluation {of.evaluation}" if of.evaluation else "; ".join(one.said for one in of.checks[1:])
    return f"{asked.reason}; {rests}" if asked.reason else rests
