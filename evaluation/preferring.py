"""Have a judge say which of two drafts it would rather send, in both orders; every verdict is on record."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from evaluation.answering import NOBODY_ANSWERED, NotAnswered, TrialModels
from evaluation.asking import Told, Unfinished
from evaluation.cases import Case
from evaluation.evaluating import Evaluated
from evaluation.pairwise import BothOrders, Outcome, Preferred, WinRate, win_rate
from evaluation.trial import Trial
from nodes.judge import quoted
from pharmacy.domain.errors import ConfigError, FlowError
from pharmacy.domain.model import ChatModel, Prompt
from pharmacy.models.model_name import ModelRef
from pharmacy.storage import evaluations
from pharmacy.storage.database import Database
from pharmacy.storage.evaluations import AnswerRow
from prompts.load import FOLDER, compose

_SCORES = {Outcome.WIN: 1.0, Outcome.TIE: 0.5, Outcome.LOSS: 0.0}
_AT_ONCE = 8


class Preference(BaseModel):
    """A judge's answer, the reason before the choice so that the choice follows from it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(description="そう決めた理由を一文で")
    preferred: Preferred = Field(description="送るほうがよい下書き")


@dataclass(frozen=True)
class Pair:
    """Two drafts that answer one case."""

    case: Case
    candidate: str
    """Whose draft is held against the first candidate's."""

    first: str
    other: str


async def prefer(
    database: Database, pharmacy_id: str, trial: Trial, evaluated: Evaluated, folder: Path = FOLDER,
    told: Told = lambda _done, _of: None,
) -> dict[str, WinRate]:  # fmt: skip
    """Return, for each candidate but the first, how often its drafts are preferred to the first's.

    Cases on which one of the two wrote nothing are left out; the pass rate speaks of those.

    Raises:
        ConfigError: the node writes no drafts, or the judge runs in the process and marks one draft at a time.
        Unfinished: nobody could be asked; what was answered is kept.
    """
    if not trial.asker.questions.writes or ModelRef.read(trial.asker.judge).is_local:
        raise ConfigError(
            f"{trial.wanted.node}, judge {trial.asker.judge!r}: expected a node that writes drafts, and a judge that "
            "can hold two of them beside each other, which a local one cannot"
        )
    names = [str(one) for one in trial.wanted.candidates]
    pairs = [pair for name in names[1:] for pair in _pairs(evaluated, names[0], name)]
    there = {(row.candidate, row.place): row for row in evaluated.answers if " beside " in row.candidate}
    left = [pair for pair in pairs if (_beside(pair.candidate, names[0]), pair.case.row.place) not in there]
    words = partial(
        compose, "judge/compare_system", "judge/compare_user",
        {"criteria_described": trial.asker.questions.assembled.flow.described_criteria()}, folder=folder,
    )  # fmt: skip
    for row in await _asked(database, pharmacy_id, trial, evaluated, left, words, names[0], told):
        there[row.candidate, row.place] = row
    return {name: _rate(_beside(name, names[0]), there, evaluated) for name in names[1:]}


def _pairs(evaluated: Evaluated, first: str, other: str) -> list[Pair]:
    drafts = {(row.candidate, row.place): _reply(row.output) for row in evaluated.answers}
    found = []
    for place, case in sorted(evaluated.cases.items()):
        one, two = drafts.get((first, place)), drafts.get((other, place))
        if one and two:
            found.append(Pair(case, other, one, two))
    return found


def _reply(output: str | None) -> str:
    return str(json.loads(output).get("reply") or "") if output else ""


def _beside(name: str, first: str) -> str:
    return f"{name} beside {first}"


async def _asked(
    database: Database, pharmacy_id: str, trial: Trial, evaluated: Evaluated, pairs: Sequence[Pair],
    words: partial[Prompt], first: str, told: Told,
) -> list[AnswerRow]:  # fmt: skip
    rows, why, gate = list[AnswerRow](), dict[str, int](), asyncio.Semaphore(_AT_ONCE)

    async def one(pair: Pair) -> AnswerRow | NotAnswered:
        async with gate:
            models = trial.asker.questions.assembled.models_for_run()
            try:
                return await _verdict(pair, words, models, trial.asker.judge, first)
            except NotAnswered as error:
                return error

    for done, task in enumerate(asyncio.as_completed([asyncio.create_task(one(pair)) for pair in pairs]), 1):
        answer = await task
        told(done, len(pairs))
        if isinstance(answer, NotAnswered):
            why[answer.cause.code] = why.get(answer.cause.code, 0) + 1
        else:
            rows.append(answer)
    async with database.begin(pharmacy_id) as tx:
        await evaluations.keep(tx, pharmacy_id, evaluated.evaluation, rows)
    if why:
        raise Unfinished(sum(why.values()), len(pairs), why)
    return rows


async def _verdict(pair: Pair, words: partial[Prompt], models: TrialModels, judge: str, first: str) -> AnswerRow:
    model = models.named("judge", judge)
    try:
        both = BothOrders(
            await _preferred(model, words, pair.case, pair.other, pair.first),
            await _preferred(model, words, pair.case, pair.first, pair.other),
        )
    except FlowError as failure:
        if isinstance(failure, NOBODY_ANSWERED):
            raise NotAnswered(failure) from failure
        both = BothOrders(Preferred.NEITHER, Preferred.NEITHER)  # a verdict that cannot be read prefers nobody
    costs = [call.cost_usd for call in models.calls]
    said = {"student_first": both.student_first.value, "student_second": both.student_second.value}
    row = pair.case.row
    return AnswerRow(
        _beside(pair.candidate, first), row.place, row.patient_id, row.conversation_id, None,
        {"preferred": _SCORES[both.outcome]}, said,
        judging_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        seconds=sum(call.seconds for call in models.calls),
    )  # fmt: skip


async def _preferred(model: ChatModel, words: partial[Prompt], case: Case, one: str, two: str) -> Preferred:
    kept = {name: case.blanks[name] for name in ("category", "phase", "facts", "conversation")}
    return (await model.answer(words(kept | {"first": quoted(one), "second": quoted(two)}), Preference)).preferred


def _rate(candidate: str, rows: dict[tuple[str, int], AnswerRow], evaluated: Evaluated) -> WinRate:
    mine = [row for (name, _), row in sorted(rows.items()) if name == candidate]
    verdicts = [BothOrders(Preferred(row.said["student_first"]), Preferred(row.said["student_second"])) for row in mine]
    return win_rate(verdicts, [evaluated.cases[row.place].row.conversation_id for row in mine])
