"""Let a student take its next step: who approves, what the gate says, what was seen live, and the decision itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from distillation.evidence import Contest, contest_of, gathered, trial_of
from distillation.gate import gate
from distillation.plan import Plan, load_plan
from distillation.reasons import Check, check
from distillation.steps import Step, next_step
from distillation.taking_over import Progress, progress
from evaluation.asking import Told
from evaluation.trial import Trial
from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.serving import Serving
from pharmacy.models.serving import first_serving
from pharmacy.settings import Settings
from pharmacy.storage import access_accounts, servings
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
        now = await serving_now(tx, settings.pharmacy_id, assembled, node)
        step = next_step(plan, now, student)
        approver = await approval(tx, settings.pharmacy_id, plan, asked.approved_by)
        seen = None if step.name == "shadow" else await progress(tx, settings.pharmacy_id, node, plan)
    if why := registry.why_not(node, step.after):
        raise ConfigError(why)
    if step.name != "shadow" or student is None:
        return Begun(node, plan, step, None, None, seen, (approver,))
    contest = contest_of(assembled, node, student, asked.plain, asked.judge)
    trial = await trial_of(database, settings, assembled, contest, asked.version, asked.approved_by)
    return Begun(node, plan, step, contest, trial, None, (approver,))


async def serving_now(tx: Transaction, pharmacy_id: str, assembled: Assembled, node: str) -> Serving:
    """Return who serves `node`: as decided, else as the file says."""
    decided = (await servings.decided(tx, pharmacy_id)).get(node)
    return decided.serving if decided else first_serving(assembled.registry.table(node))


async def decide(
    database: Database, settings: Settings, assembled: Assembled, asked: Asked, of: Promotion
) -> Promotion:
    """Let the step happen: it holds in every process from its next run on.

    Raises:
        Conflict: somebody has decided otherwise meanwhile.
    """
    async with database.begin(settings.pharmacy_id) as tx:
        await servings.take_turn(tx, settings.pharmacy_id)
        if await serving_now(tx, settings.pharmacy_id, assembled, asked.node) != of.step.before:
            raise Conflict(f"{asked.node}: somebody has decided otherwise meanwhile; look at it again")
        await servings.decide(tx, settings.pharmacy_id, asked.approved_by, asked.node, of.step.after, _why(asked, of))
    return replace(of, is_done=True)


def live_checks(plan: Plan, step: Step, seen: Progress | None) -> list[Check]:
    """Return what was seen live that speaks for and against a step after the first."""
    if seen is None:
        return [check("seen_live", "nothing_seen", passes=False)]
    if step.before.by == "teacher":
        there, least = seen.shadow_cases, plan.shadow.minimum_cases
        counted = check("shadow_cases", "shadow_cases", passes=there >= least, there=there, least=least)
        return [counted, *_held_beside(plan, seen)]
    there, least = seen.canary_conversations, plan.canary.minimum_conversations
    counted = check("canary_conversations", "conversations", passes=there >= least, there=there, least=least)
    return [counted, _watched(plan, seen)]


def _held_beside(plan: Plan, seen: Progress) -> list[Check]:
    if seen.shadow_least is None:
        return []
    code = "shadow_worse" if seen.is_shown_worse else "shadow_not_worse"
    least = f"{seen.shadow_least:.0%}"
    return [check("shadow", code, passes=not seen.is_shown_worse, measure=plan.metric, bound=least)]


async def approval(tx: Transaction, pharmacy_id: str, plan: Plan, name: str) -> Check:
    """Return whether the account of that name may let a step happen."""
    row = await access_accounts.named(tx, pharmacy_id, name)
    roles = tuple(role.value for role in plan.approvers)
    if row is None or row.disabled_at is not None:
        return check("approver", "no_account", passes=False, who=repr(name), roles=roles)
    return check("approver", "role", passes=row.role in roles, who=name, role=row.role, roles=roles)


def _watched(plan: Plan, seen: Progress) -> Check:
    fallen, of = seen.watch is not None and seen.watch.has_fallen, plan.step_back
    code = "fallen" if fallen else "not_fallen"
    return check("step_back", code, passes=not fallen, watch=of.measure, bound=f"{of.bound:.0%}")


def _why(asked: Asked, of: Promotion) -> str:
    rests = f"evaluation {of.evaluation}" if of.evaluation else "; ".join(one.said for one in of.checks[1:])
    return f"{asked.reason}; {rests}" if asked.reason else rests
