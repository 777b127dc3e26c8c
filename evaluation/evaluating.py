"""Hold candidates against each other on the rows of a dataset that no student has seen; cut off, it is gone on with."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluation.asking import Told, ask
from evaluation.batching import BatchesAt, in_batches
from evaluation.cases import Case
from evaluation.figures import Figures, figures
from evaluation.figures_json import figures_json
from evaluation.trial import Trial
from pharmacy.storage import evaluations
from pharmacy.storage.database import Database
from pharmacy.storage.evaluations import AnswerRow, Evaluation


@dataclass(frozen=True)
class Evaluated:
    """What came of it."""

    evaluation: Evaluation
    figures: Figures
    cases: Mapping[int, Case]
    answers: Sequence[AnswerRow]


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
    await ask(database, pharmacy_id, trial, begun, {(row.candidate, row.place) for row in before}, told)
    async with database.begin(pharmacy_id) as tx:
        answers = await evaluations.answers_of(tx, pharmacy_id, begun.id)
        found = await asyncio.to_thread(_evaluated, trial, begun, answers)  # whoever serves beside it goes on
        ended = await evaluations.end(tx, pharmacy_id, wanted.actor, begun, figures_json(found.figures))
    return replace(found, evaluation=ended)


def _evaluated(trial: Trial, of: Evaluation, answers: Sequence[AnswerRow]) -> Evaluated:
    found = figures(
        trial.wanted.node, trial.cases, answers, [str(one) for one in trial.wanted.candidates], trial.errors
    )
    return Evaluated(of, found, {case.row.place: case for case in trial.cases}, answers)


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
