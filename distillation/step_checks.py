"""What speaks for and against a student's next step beside its gate: who lets it, and what was seen live."""

from distillation.plan import Plan
from distillation.reasons import Check, check
from distillation.steps import Step
from distillation.taking_over import Progress
from pharmacy.storage import access_accounts
from pharmacy.storage.database import Transaction


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
