"""What speaks for and against a student's next step by what is on record; nobody is asked, and nothing is measured."""

import asyncio
from collections.abc import Mapping

from distillation.evidence import Contest, contest_of
from distillation.gate import Evidence, GateVerdict, gate
from distillation.plan import Plan, load_plan
from distillation.promoting import Asked, Promotion, step_now
from distillation.reasons import Check, check
from distillation.step_checks import approval, live_checks
from distillation.steps import Step
from distillation.taking_over import progress
from evaluation.cases import Case
from evaluation.figures import compared
from evaluation.paired import Difference
from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage import datasets, evaluations
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.datasets import DatasetRow
from pharmacy.storage.evaluations import AnswerRow, Evaluation

LOOKED_AT = 20
"""The newest evaluations among which one of teacher and student is looked for."""


async def on_record(database: Database, settings: Settings, assembled: Assembled, asked: Asked) -> Promotion:
    """Return the next step with every reason that the records give.

    Before the first step that is the gate on the newest evaluation of teacher and student; whole runs are on no
    record, so that step is never let through by this alone: `kakari promote` and the page measure them.

    Raises:
        ConfigError: there is no plan, or the student was trained under another prompt.
        NothingToPromote: there is no step left, or no student.
    """
    registry, node = assembled.registry, asked.node
    plan, student = load_plan(node, assembled.flow, settings.plans_folder), registry.student_of(node)
    async with database.begin(settings.pharmacy_id) as tx:
        step = await step_now(tx, settings.pharmacy_id, assembled, node, plan, student)
        if why := registry.why_not(node, step.after):
            raise ConfigError(why)
        approver = await approval(tx, settings.pharmacy_id, plan, asked.approved_by)
        if step.name != "shadow" or student is None:
            seen = await progress(tx, settings.pharmacy_id, node, plan)
            return Promotion(node, step, [approver, *live_checks(plan, step, seen)])
        contest = contest_of(assembled, node, student, asked.plain, asked.judge)
        found = await _newest(tx, settings.pharmacy_id, contest, registry.fingerprint_of(node))
        if found is None:
            return _unmeasured(node, step, approver)
        rows = await datasets.rows_of(tx, settings.pharmacy_id, found.version, [found.asked["split"]])
        answers = await evaluations.answers_of(tx, settings.pharmacy_id, found.id)
    verdict = await asyncio.to_thread(_verdict, plan, contest, found, rows, answers)
    return Promotion(
        node, step, [approver, *verdict.checks], verdict.instead, verdict.needed.more, str(found.id)
    )  # fmt: skip


async def _newest(tx: Transaction, pharmacy_id: str, contest: Contest, fingerprint: str) -> Evaluation | None:
    for one in await evaluations.ended(tx, pharmacy_id, contest.node, limit=LOOKED_AT):
        named = one.asked["candidates"]
        if one.asked.get("prompt") == fingerprint and contest.teacher in named and contest.student in named:
            return one
    return None


def _unmeasured(node: str, step: Step, approver: Check) -> Promotion:
    return Promotion(node, step, [approver, check("evaluation", "no_evaluation", passes=False)])


def _verdict(
    plan: Plan, contest: Contest, of: Evaluation, rows: list[DatasetRow], answers: list[AnswerRow]
) -> GateVerdict:
    cases = {row.place: Case.of(contest.node, row) for row in rows}
    by = {name: {row.place: row for row in answers if row.candidate == name} for name in contest.models}
    asked = {place for each in by.values() for place in each if place in cases}

    def against(model: str | None) -> Mapping[str, Difference]:
        if model is None or not by[model]:
            return {}
        return compared(contest.node, model, cases, by[contest.teacher], by[model]).differences

    return gate(
        plan,
        Evidence(
            contest.node, contest.teacher, contest.student, against(contest.student),
            sum(cases[place].by_pharmacist for place in asked), None, of.asked.get("judge"), contest.plain,
            against(contest.plain),
        ),
    )  # fmt: skip
