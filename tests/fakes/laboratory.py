"""Records for engineers' pages: a dataset, an evaluation on it with true figures, a training; no model is asked."""

import random
from typing import Any

from evaluation.cases import Case
from evaluation.figures import figures
from evaluation.figures_json import figures_json
from pharmacy.storage import datasets, evaluations, training_jobs
from pharmacy.storage.database import Database
from pharmacy.storage.datasets import DatasetRow, DatasetVersion
from pharmacy.storage.evaluations import AnswerRow, Evaluation
from pharmacy.storage.training_jobs import TrainingRecord

NODE = "classify"
TEACHER, STUDENT = "openai:gpt-4o-2024-08-06", "openai:ft:gpt-4o-mini-2024-07-18:example::classify01"
LABELS = ("symptom_consultation", "product_usage", "order_delivery", "follow_up", "pharmacist_only")
PHASES = ("intake", "proposal", "purchase", "taking")
RIGHT = {TEACHER: 0.94, STUDENT: 0.86, "local:classify": 0.7}
"""Model to how often it names the right label."""

CASES = 240
BY = "session:engineer"


async def dataset(database: Database, pharmacy_id: str, fingerprint: str, number: int = 1) -> DatasetVersion:
    """Keep a version with `CASES` held-out rows, and return it."""
    rows = [_row(place) for place in range(CASES)]
    version = DatasetVersion(
        f"{NODE}-{number}", NODE, number, f"{number:064x}", {"fingerprint": fingerprint}, _manifest(rows), BY,
        None, {},  # type: ignore[arg-type]  # the database says when
    )  # fmt: skip
    async with database.begin(pharmacy_id) as tx:
        await datasets.write(tx, pharmacy_id, BY, version, rows)
    return version


async def evaluation(database: Database, pharmacy_id: str, version: str, key: str = "one") -> Evaluation:
    """Keep an evaluation of three models on the version's rows, and return it."""
    drawn = random.Random(20261123)
    async with database.begin(pharmacy_id) as tx:
        cases = [Case.of(NODE, row) for row in await datasets.rows_of(tx, pharmacy_id, version)]
        answers = [_answer(drawn, name, case) for name in RIGHT for case in cases]
        asked = {"candidates": [*RIGHT], "split": "held_out", "judge": None}
        begun = await evaluations.begin(
            tx, pharmacy_id, BY, key=key, node=NODE, version=version, asked=asked, again=True
        )  # fmt: skip
        await evaluations.keep(tx, pharmacy_id, begun, answers)
        told = figures_json(figures(NODE, cases, answers, [*RIGHT]))
        return await evaluations.end(tx, pharmacy_id, BY, begun, told)


async def training(database: Database, pharmacy_id: str, version: DatasetVersion, state: str = "succeeded") -> None:
    """Keep a training on the version."""
    record = TrainingRecord(
        f"key-{state}", NODE, "openai", "openai:gpt-4o-mini-2024-07-18", "3f9c1a77b0de", version.rows_hash, state,
        f"ftjob-{state}", STUDENT if state == "succeeded" else None,
    )  # fmt: skip
    async with database.begin(pharmacy_id) as tx:
        await training_jobs.note(tx, pharmacy_id, BY, record)


def _row(place: int) -> DatasetRow:
    label, phase = LABELS[place % 7 % len(LABELS)], PHASES[place % 11 % len(PHASES)]
    row = {"id": f"{place:016x}", "kind": "approved" if place % 3 else "corrected", "weak": bool(place % 3),
           "supervised": True, "preference": False, "cause": None, "passes": {}, "category": label, "phase": phase,
           "critical": label == "pharmacist_only", "topped_up": False, "blanks": {}, "said": None,
           "target": f'{{"category": "{label}", "safety": "ordinary"}}',
           "asked_at": "2026-11-01T00:00:00+00:00"}  # fmt: skip
    whose = f"p-{place // 3}", f"c-{place // 2}"
    return DatasetRow(place, "held_out", *whose, 1, row, f"{place:064x}")


def _manifest(rows: list[DatasetRow]) -> dict[str, Any]:
    strata = [
        {"category": label, "phase": phase, "rows": many, "share": round(many / len(rows), 4),
         "production_share": round(0.25 / (LABELS.index(label) + 1) / (PHASES.index(phase) + 1), 4)}
        for label in LABELS for phase in PHASES
        if (many := sum((row.row["category"], row.row["phase"]) == (label, phase) for row in rows))
    ]  # fmt: skip
    none = {"train": 0, "validation": 0}
    return {"rows": none | {"held_out": len(rows)}, "patients": none | {"held_out": len(rows) // 3},
            "conversations": none | {"held_out": len(rows) // 2}, "kinds": {"approved": 160, "corrected": 80},
            "causes": {"unsafe": 2, "tone": 5}, "weak": 160, "supervised": len(rows), "preference": 0, "critical": 34,
            "topped_up": 0, "left_out": {"no_consent": 12, "undecided": 40, "gated": 3}, "strata": strata,
            "from": "2026-11-01T00:00:00+00:00", "to": "2026-11-20T03:00:00+00:00", "most_rows": None,
            "recorded_under": {}}  # fmt: skip


def _answer(drawn: random.Random, name: str, case: Case) -> AnswerRow:
    given = case.label if drawn.random() < RIGHT[name] else drawn.choice(LABELS)
    hit = float(given == case.label)
    scores = {"exact_agreement": hit, f"sensitivity({case.label})": hit}
    is_local = name.startswith("local:")
    return AnswerRow(
        name, case.row.place, case.row.patient_id, case.row.conversation_id, f'{{"category": "{given}"}}', scores,
        {"label": given}, 0 if is_local else 1_480, 0 if is_local else 1_024, 0 if is_local else 21,
        {TEACHER: 0.0031, STUDENT: 0.00021}.get(name, 0.0), None, 0.02 if is_local else drawn.uniform(0.4, 1.9),
    )  # fmt: skip
