"""Where whole runs end, and whether they should: those walked through again, and those on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.cases import LABEL_FIELDS, Case, row_id
from evaluation.paired import Difference, difference
from pharmacy.domain.flow import AnsweredBy, Flow
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.storage import past_runs
from pharmacy.storage.database import Database
from pharmacy.storage.past_runs import Ended, PastRun

READ_AT_ONCE = 200


@dataclass(frozen=True)
class WholeRun:
    """One case under one model."""

    score: float
    """1 where the run ended where it should, else 0."""

    outcome: str
    category: str | None
    cost_usd: float | None
    seconds: float
    """Of the models' own time."""


async def recorded_runs(
    database: Database, pharmacy_id: str, flow: Flow, node: str, cases: Sequence[Case]
) -> Mapping[int, WholeRun]:
    """Return the place of a case to what its run came to when it was there; nobody is asked, and costs are not told.

    Cases whose run is not there any more, or came to nothing, are left out.
    """
    found = {}
    for at in range(0, len(cases), READ_AT_ONCE):
        part = cases[at : at + READ_AT_ONCE]
        runs = await runs_of(database, pharmacy_id, flow, node, part)
        for case in part:
            if case.id in runs and (ended := runs[case.id].ended):
                score = float(ends_right(node, case, ended, flow))
                found[case.row.place] = WholeRun(score, ended.kind.value, ended.category, None, 0.0)
    return found


def difference_of(
    cases: Sequence[Case], first: Mapping[int, WholeRun], other: Mapping[int, WholeRun]
) -> Difference | None:
    """Return how much more often runs end where they should under `other`; None where no case went through both."""
    both = [case for case in cases if case.row.place in first and case.row.place in other]
    if not both:
        return None
    return difference(
        [other[case.row.place].score for case in both], [first[case.row.place].score for case in both],
        [case.row.conversation_id for case in both],
    )  # fmt: skip


def ends_right(node: str, case: Case, outcome: Outcome | Ended, flow: Flow) -> bool:
    """Return whether a run ended where the decision says that it should.

    By a category that people answer: with a person. By any other, with a suggestion in it; by a phase, with one in
    that phase. For a generator: with a suggestion. For the judge: with one exactly where the pharmacist accepted.
    """
    suggested = outcome.kind is not OutcomeKind.HANDOVER
    if node == "judge":
        return suggested == case.accepted
    if node not in LABEL_FIELDS:
        return suggested
    if node == "switch_phase":
        return suggested and outcome.phase == case.label
    right = flow.categories[str(case.label)]
    return not suggested if right.answered_by is AnsweredBy.PHARMACIST else suggested and outcome.category == right.name


async def runs_of(
    database: Database, pharmacy_id: str, flow: Flow, node: str, cases: Sequence[Case]
) -> Mapping[str, PastRun]:
    """Return the id of a row to the run that it is of."""
    conversations = sorted({case.row.conversation_id for case in cases})
    async with database.begin(pharmacy_id) as tx:
        every = await past_runs.past_runs(tx, pharmacy_id, conversations, flow.window_turns)
    return {
        row: run for run in every if run.phase in flow.phases
        for row in (row_id(run.id, node, of_first=False), row_id(run.id, node, of_first=True))
    }  # fmt: skip
