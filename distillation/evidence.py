"""Measure a student for its gate: beside its teacher, beside the plain cheap model, and in whole runs."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from distillation.gate import Evidence
from evaluation.asking import Told
from evaluation.candidates import Candidate
from evaluation.end_to_end import whole_runs
from evaluation.evaluating import Evaluated, hold
from evaluation.figures import compared
from evaluation.paired import Difference
from evaluation.run_ends import difference_of
from evaluation.trial import Trial, Wanted, prepare
from graph.assemble import Assembled
from pharmacy.models.model_name import ModelRef, base_of
from pharmacy.settings import Settings
from pharmacy.storage.database import Database


@dataclass(frozen=True)
class Contest:
    """Who is held against whom."""

    node: str
    teacher: str
    """What the student would take over from, as `provider:name`."""

    student: str
    plain: str | None
    """The cheap model that nobody has trained; None where there is none but these two."""

    judge: str | None = None
    """The model that marks drafts; None takes the judge node's teacher."""

    @property
    def models(self) -> list[str]:
        """All of them, the teacher first."""
        return [self.teacher, self.student, *([self.plain] if self.plain else [])]


def contest_of(
    assembled: Assembled, node: str, student: str, plain: str | None = None, judge: str | None = None
) -> Contest:
    """Return the contest of `student`.

    Args:
        plain: unsaid, what a fine-tuned student was made from; for one that runs in the process, the shipped one.
    """
    registry = assembled.registry
    teacher, ref = registry.teacher_of(node), ModelRef.read(student)
    base = registry.table(node).local if ref.is_local else f"{ref.provider}:{base_of(ref.name)}"
    chosen = plain or base
    return Contest(node, teacher, student, None if chosen in (teacher, student) else chosen, judge)


async def trial_of(
    database: Database, settings: Settings, assembled: Assembled, contest: Contest, version: str | None, actor: str
) -> Trial:
    """Return what has to be asked; nobody is, yet.

    Raises:
        ConfigError, NotHere: there is no dataset to ask from.
    """
    models = [Candidate(model) for model in contest.models]
    wanted = Wanted(contest.node, models, version, judge=contest.judge, actor=actor)
    return await prepare(database, settings.pharmacy_id, assembled, wanted)


async def gathered(
    database: Database, settings: Settings, assembled: Assembled, contest: Contest, trial: Trial,
    told: Callable[[str], Told],
) -> tuple[Evidence, Evaluated]:  # fmt: skip
    """Ask, and return what speaks for and against the student, with the evaluation that it rests on.

    Args:
        told: is told what begins; what it returns is told how far that is.

    Raises:
        Unfinished: nobody could be asked; what was answered is kept.
    """
    evaluated = await hold(database, settings.pharmacy_id, trial, told("answers"))
    two = [contest.teacher, contest.student]
    runs = await whole_runs(
        database, settings.pharmacy_id, assembled, contest.node, trial.cases, two, told("whole runs")
    )
    whole = difference_of(trial.cases, runs[contest.teacher], runs[contest.student])
    return await asyncio.to_thread(_evidence, contest, trial, evaluated, whole), evaluated


def _evidence(contest: Contest, trial: Trial, evaluated: Evaluated, whole: Difference | None) -> Evidence:
    return Evidence(
        contest.node, contest.teacher, contest.student, _against(evaluated, contest, contest.student),
        evaluated.figures.pharmacist_labels, whole, trial.asker.judge if trial.asker.questions.writes else None,
        contest.plain, _against(evaluated, contest, contest.plain) if contest.plain else {},
    )  # fmt: skip


def _against(evaluated: Evaluated, contest: Contest, model: str) -> Mapping[str, Difference]:
    by = {name: {row.place: row for row in evaluated.answers if row.candidate == name} for name in contest.models}
    return compared(contest.node, model, evaluated.cases, by[contest.teacher], by[model]).differences
