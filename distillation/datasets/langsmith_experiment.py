"""An evaluation's copy in LangSmith: one experiment per candidate, on the dataset that was pushed before."""

import json
from collections.abc import Mapping, Sequence

from distillation.datasets.langsmith_copy import examples_of
from evaluation.evaluating import Evaluated
from pharmacy.observing.datasets import DatasetExample, name_of
from pharmacy.observing.experiments import Answered, Experiment, Experiments
from pharmacy.settings import Settings
from pharmacy.storage import datasets
from pharmacy.storage.database import Database


async def push(
    database: Database, settings: Settings, to: Experiments, evaluated: Evaluated, actor: str
) -> Mapping[str, int]:
    """Return candidate to how many runs its experiment has.

    Raises:
        LangSmithFailed, Unfit: as `Experiments.push`.
    """
    of = evaluated.evaluation
    version, examples = await examples_of(database, settings, of.version)
    async with database.begin(settings.pharmacy_id) as tx:
        # Before anything leaves: an export that the trail does not tell of would be worse than the reverse.
        told = {"to": "langsmith", "evaluation": str(of.id), "answers": len(evaluated.answers)}
        await datasets.note_export(tx, settings.pharmacy_id, actor, version.version, told)
    made = {}
    for figures in evaluated.figures.candidates:
        experiment = _experiment(settings.pharmacy_id, evaluated, figures.candidate, examples)
        made[figures.candidate] = await to.push(experiment)
    return made


def _experiment(
    pharmacy_id: str, evaluated: Evaluated, candidate: str, examples: Mapping[int, DatasetExample]
) -> Experiment:
    of = evaluated.evaluation
    return Experiment(
        f"kakari/{of.version}/{candidate}/{str(of.id)[:8]}", name_of(pharmacy_id, of.node), of.version,
        evaluated.figures.metric, of.at, _answers(evaluated, candidate, examples), [*examples.values()],
        {"node": of.node, "candidate": candidate, "judge": of.asked.get("judge"), "prompt": of.asked["prompt"]},
    )  # fmt: skip


def _answers(evaluated: Evaluated, candidate: str, examples: Mapping[int, DatasetExample]) -> Sequence[Answered]:
    return [
        Answered(
            examples[row.place], json.loads(row.output) if row.output else None, row.scores, row.seconds,
            {"cost_usd": row.cost_usd, "prompt_tokens": row.prompt_tokens, "completion_tokens": row.completion_tokens},
            row.error,
        )
        for row in evaluated.answers
        if row.candidate == candidate and row.place in examples
    ]  # fmt: skip
