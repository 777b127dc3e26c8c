"""Hold candidates against each other on the rows of a dataset that no student has seen; cut off, it is gone on with."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evaluation.answering import Asker, NotAnswered
from evaluation.batching import BatchesAt, in_batches
from evaluation.candidates import Candidate
from evaluation.cases import Case
from evaluation.expected_cost import expected_usd
from evaluation.figures import Figures, figures
from evaluation.figures_json import figures_json
from evaluation.judge_errors import JudgeErrors, errors_of
from evaluation.questions import Questions
from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.storage import datasets, evaluations, people
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.datasets import DatasetVersion
from pharmacy.storage.evaluations import AnswerRow, Evaluation

HELD_OUT, TRAIN = "held_out", "train"
KEPT_AT_ONCE = 100

Told = Callable[[int, int], None]
"""Is told how many answers are there, of how many."""


class Unfinished(Exception):
    """Some questions were not answered by anybody; what was answered is kept, and the same command goes on."""

    def __init__(self, left: int, of: int, why: Mapping[str, int]) -> None:
        told = "; ".join(f"{count} times {reason}" for reason, count in sorted(why.items()))
        super().__init__(f"{left} of {of} questions were not answered: {told}; the same command asks only them again")


@dataclass(frozen=True)
class Wanted:
    """What is to be held against what."""

    node: str
    candidates: Sequence[Candidate]
    """The first is the one that the others are held against."""

    version: str | None = None
    """Of a dataset; None takes the node's newest."""

    split: str = HELD_OUT
    judge: str | None = None
    """The model that marks drafts; None takes the judge node's teacher."""

    most_rows: int | None = None
    """Of the split, the newest; None takes all."""

    actor: str = "command line"
    at_once: int = 8
    again: bool = False
    """Ask anew what was answered before."""


@dataclass(frozen=True)
class Evaluated:
    """What came of it."""

    evaluation: Evaluation
    figures: Figures
    cases: Mapping[int, Case]
    answers: Sequence[AnswerRow]


@dataclass(frozen=True)
class Trial:
    """Everything that is to be asked, before anybody is."""

    wanted: Wanted
    version: DatasetVersion
    cases: Sequence[Case]
    asker: Asker
    errors: JudgeErrors | None = None
    """Of the judge that marks, where somebody has measured them."""

    @property
    def expected_usd(self) -> float | None:
        """What it will cost about; None where a price is unknown."""
        return expected_usd(self.asker.questions, self.cases, self.wanted.candidates, self.asker.judge)


async def prepare(database: Database, pharmacy_id: str, assembled: Assembled, wanted: Wanted) -> Trial:
    """Return what is to be asked.

    Raises:
        NotHere: there is no such dataset.
        ConfigError: it stands under another prompt than the node now has, or holds no case of that split.
    """
    async with database.begin(pharmacy_id) as tx:
        version = await version_of(tx, pharmacy_id, wanted.node, wanted.version)
        splits = [wanted.split, *([TRAIN] if any(one.examples for one in wanted.candidates) else [])]
        rows = await datasets.rows_of(tx, pharmacy_id, version.version, splits)
        shelf = await people.catalogue(tx, pharmacy_id)
        judge = wanted.judge or assembled.registry.teacher_of("judge")
        errors = await errors_of(tx, pharmacy_id, judge, assembled.registry.fingerprint_of("judge"))
    _refuse_other_words(version, assembled, wanted)
    cases = _cases(wanted, [row for row in rows if row.split == wanted.split], version)
    shown = [Case.of(wanted.node, row) for row in rows if row.split == TRAIN]
    questions = Questions.of(wanted.node, assembled, sorted(shown, key=lambda case: case.id))
    return Trial(wanted, version, cases, Asker(questions, judge, shelf), errors if questions.writes else None)


async def without_silent(trial: Trial) -> tuple[Trial, dict[str, str]]:
    """Return the trial without those that cannot be asked at all, and why each of them could not."""
    silent = {}
    for candidate in trial.wanted.candidates:
        answer = await _one(trial.asker, trial.cases[0], candidate)
        if isinstance(answer, NotAnswered):
            silent[str(candidate)] = str(answer)
    left = [one for one in trial.wanted.candidates if str(one) not in silent]
    return replace(trial, wanted=replace(trial.wanted, candidates=left)), silent


async def hold(
    database: Database, pharmacy_id: str, trial: Trial, told: Told = lambda _done, _of: None,
    batches: BatchesAt | None = None,
) -> Evaluated:  # fmt: skip
    """Ask, and return the figures, with every answer on record.

    Args:
        batches: ask through these; None asks one by one.

    Raises:
        Unfinished: nobody could be asked; what was answered is kept.
        BatchRefused: a batch was not taken.
    """
    wanted, asked = trial.wanted, _asked(trial)
    async with database.begin(pharmacy_id) as tx:
        begun = await evaluations.begin(
            tx, pharmacy_id, wanted.actor, key=_key(asked), node=wanted.node, version=trial.version.version,
            asked=asked, again=wanted.again,
        )  # fmt: skip
        before = await evaluations.answers_of(tx, pharmacy_id, begun.id)
    if begun.figures is not None:
        return await asyncio.to_thread(_evaluated, trial, begun, before)
    if batches is not None:
        given = await in_batches(trial.asker.questions, trial.cases, wanted.candidates, batches)
        trial = replace(trial, asker=replace(trial.asker, batched=given))
    await _ask(database, pharmacy_id, trial, begun, {(row.candidate, row.place) for row in before}, told)
    async with database.begin(pharmacy_id) as tx:
        answers = await evaluations.answers_of(tx, pharmacy_id, begun.id)
        found = await asyncio.to_thread(_evaluated, trial, begun, answers)  # whoever serves beside it goes on
        ended = await evaluations.end(tx, pharmacy_id, wanted.actor, begun, figures_json(found.figures))
    return replace(found, evaluation=ended)


async def version_of(tx: Transaction, pharmacy_id: str, node: str, version: str | None) -> DatasetVersion:
    """Return a dataset of the node: `version`, or the newest.

    Raises:
        NotHere: there is no such version.
        ConfigError: it is another node's, or the node has none.
    """
    if version is None:
        found = await datasets.versions(tx, pharmacy_id, node)
        if not found:
            raise ConfigError(f"{node}: has no dataset; expected one: kakari dataset build {node}")
        return found[0]
    one = await datasets.one_version(tx, pharmacy_id, version)
    if one.node != node:
        raise ConfigError(f"dataset {version!r} is of {one.node}; expected one of {node}")
    return one


def _evaluated(trial: Trial, of: Evaluation, answers: Sequence[AnswerRow]) -> Evaluated:
    found = figures(
        trial.wanted.node, trial.cases, answers, [str(one) for one in trial.wanted.candidates], trial.errors
    )
    return Evaluated(of, found, {case.row.place: case for case in trial.cases}, answers)


def _refuse_other_words(version: DatasetVersion, assembled: Assembled, wanted: Wanted) -> None:
    now = assembled.registry.fingerprint_of(wanted.node)
    if version.prompt["fingerprint"] != now:
        raise ConfigError(
            f"dataset {version.version!r} stands under prompt {version.prompt['fingerprint']!r}, {wanted.node}'s is "
            f"now {now!r}; expected the same: kakari dataset build {wanted.node}"
        )


def _cases(wanted: Wanted, rows: Sequence[datasets.DatasetRow], version: DatasetVersion) -> list[Case]:
    cases = [case for row in rows if (case := Case.of(wanted.node, row)).can_be_asked(wanted.node)]
    if not cases:
        raise ConfigError(f"dataset {version.version!r}: holds no case of {wanted.split!r} that can be asked")
    newest = sorted(cases, key=lambda case: (case.row.row["asked_at"], case.id))[-(wanted.most_rows or len(cases)) :]
    return sorted(newest, key=lambda case: case.row.place)


def _asked(trial: Trial) -> dict[str, object]:
    wanted, version = trial.wanted, trial.version
    registry, writes = trial.asker.questions.assembled.registry, trial.asker.questions.writes
    return {
        "candidates": [str(one) for one in wanted.candidates], "split": wanted.split, "most_rows": wanted.most_rows,
        "rows_hash": version.rows_hash, "lost": dict(version.lost), "prompt": version.prompt["fingerprint"],
        "judge": trial.asker.judge if writes else None,
        "judge_prompt": registry.fingerprint_of("judge") if writes else None,
    }  # fmt: skip


def _key(asked: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def _ask(
    database: Database, pharmacy_id: str, trial: Trial, begun: Evaluation, there: set[tuple[str, int]], told: Told
) -> None:
    every = [(case, one) for case in trial.cases for one in trial.wanted.candidates]
    left = [(case, one) for case, one in every if (str(one), case.row.place) not in there]
    total, why, kept = len(every), dict[str, int](), list[AnswerRow]()
    done = total - len(left)
    told(done, total)

    async def keep() -> None:
        async with database.begin(pharmacy_id) as tx:
            await evaluations.keep(tx, pharmacy_id, begun, kept)
        kept.clear()

    try:
        async for answer in _answers(trial.asker, left, trial.wanted.at_once):
            if isinstance(answer, NotAnswered):
                why[answer.cause.code] = why.get(answer.cause.code, 0) + 1
                continue
            kept.append(answer)
            done += 1
            told(done, total)
            if len(kept) >= KEPT_AT_ONCE:
                await keep()
    finally:
        await keep()
    if why:
        raise Unfinished(sum(why.values()), total, why)


async def _answers(
    asker: Asker, left: Sequence[tuple[Case, Candidate]], at_once: int
) -> AsyncIterator[AnswerRow | NotAnswered]:
    """Give each answer as it comes, `at_once` of them at work."""
    waiting = iter(left)
    working: set[asyncio.Task[AnswerRow | NotAnswered]] = set()
    try:
        while True:
            while len(working) < at_once and (pair := next(waiting, None)):
                working.add(asyncio.create_task(_one(asker, *pair)))
            if not working:
                return
            ready, working = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in ready:
                yield task.result()
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def _one(asker: Asker, case: Case, candidate: Candidate) -> AnswerRow | NotAnswered:
    try:
        return await asker.answer(case, candidate, asker.questions.assembled.models_for_run())
    except NotAnswered as error:
        return error
