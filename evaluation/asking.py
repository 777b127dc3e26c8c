"""Ask each candidate each case, many at once, and keep what comes; what nobody answered is counted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

from evaluation.answering import Asker, NotAnswered
from evaluation.candidates import Candidate
from evaluation.cases import Case
from evaluation.trial import Trial
from pharmacy.storage import evaluations
from pharmacy.storage.database import Database
from pharmacy.storage.evaluations import AnswerRow, Evaluation

KEPT_AT_ONCE = 100

Told = Callable[[int, int], None]
"""Is told how many answers are there, of how many."""


class Unfinished(Exception):
    """Some questions were not answered by anybody; what was answered is kept, and the same command goes on."""

    def __init__(self, left: int, of: int, why: Mapping[str, int]) -> None:
        told = "; ".join(f"{count} times {reason}" for reason, count in sorted(why.items()))
        super().__init__(f"{left} of {of} questions were not answered: {told}; the same command asks only them again")


async def without_silent(trial: Trial) -> tuple[Trial, dict[str, str]]:
    """Return the trial without those that cannot be asked at all, and why each of them could not."""
    silent = {}
    for candidate in trial.wanted.candidates:
        answer = await answer_of(trial.asker, trial.cases[0], candidate)
        if isinstance(answer, NotAnswered):
            silent[str(candidate)] = str(answer)
    left = [one for one in trial.wanted.candidates if str(one) not in silent]
    return replace(trial, wanted=replace(trial.wanted, candidates=left)), silent


async def ask(
    database: Database, pharmacy_id: str, trial: Trial, begun: Evaluation, there: set[tuple[str, int]], told: Told
) -> None:
    """Ask what is not `there` yet, and keep each answer with `begun`.

    Args:
        there: candidate and place of a case, of what was answered before.

    Raises:
        Unfinished: nobody could be asked; what was answered is kept.
    """
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
                working.add(asyncio.create_task(answer_of(asker, *pair)))
            if not working:
                return
            ready, working = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in ready:
                yield task.result()
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def answer_of(asker: Asker, case: Case, candidate: Candidate) -> AnswerRow | NotAnswered:
    """Return the answer of one candidate to one case, or why none could be had from anybody."""
    try:
        return await asker.answer(case, candidate, asker.questions.assembled.models_for_run())
    except NotAnswered as error:
        return error
